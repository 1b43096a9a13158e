import { randomUUID } from 'node:crypto';
import type { DocumentStore, DocumentWrite } from '../../coordination/documents.ts';
import type { Clock } from '../../core/clock.ts';
import { asIdraError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { EventData, Events } from './events.ts';

export type StoredEvent = Omit<EventData, 'id'>;

export interface EventStoreDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
}

const prefix = 'events/parts/';
const turnKey = 'events/turn';
/** Events of one document, and how many documents are kept. */
const partEvents = 100;
const keptParts = 60;
const flushEveryMs = 2_000;
const closeMs = 2_000;
/** Another replica writes when the one whose turn it is has written nothing for so long. */
const turnMs = 15_000;
/** Two replicas see the same event within this time. */
const sameMs = 60_000;
/** While the storage does not answer. */
const mostPending = 1_000;

interface Turn {
  readonly replica: string;
  readonly untilMs: number;
}

interface Part {
  readonly key: string;
  readonly events: readonly StoredEvent[];
}

/**
 * The events of all replicas in the documents that they share, so that a restarted one knows what happened before. All replicas see the
 * same; one of them writes. Nothing is written, or read, while nothing happens.
 */
export class EventStore {
  readonly #deps: EventStoreDeps;
  readonly #replica = randomUUID();
  readonly #timer: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #pending: StoredEvent[] = [];
  #part: Part | undefined;
  #flushing: Promise<void> | undefined;

  constructor(deps: EventStoreDeps) {
    this.#deps = deps;
    this.#unlisten = deps.events.onEvent(({ id: _, ...event }) => {
      this.#pending = [...this.#pending, event].slice(-mostPending);
    });
    this.#timer = setInterval(() => void this.flush(), flushEveryMs);
    this.#timer.unref();
  }

  /** Oldest first. */
  async read(): Promise<readonly StoredEvent[]> {
    const parts = await this.#deps.documents.list(prefix);
    return parts.flatMap(({ value }) => eventsIn(value));
  }

  /** Never rejects: what cannot be written now is written later. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#write()
      .catch((thrown: unknown) => {
        // Another replica was faster.
        if (asIdraError(thrown).code === 'Conflict') return;
        this.#deps.log.warn('events were not stored; will retry', { error: thrown });
      })
      .finally(() => {
        this.#flushing = undefined;
      });
    await this.#flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unlisten();
    // A storage that does not answer must not hold up the end of the process.
    const isLate = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref());
    await Promise.race([this.flush(), isLate]);
  }

  async #write(): Promise<void> {
    if (this.#pending.length === 0) return;
    const { documents, clock } = this.#deps;
    const stored = await documents.get(turnKey);
    const turn = stored?.value as Turn | undefined;
    const isOwn = turn?.replica === this.#replica;
    if (turn && !isOwn && turn.untilMs > clock.now()) return;
    if (!isOwn) {
      this.#part = undefined;
      await this.#forgetStored();
    }
    const events = this.#pending.slice(0, partEvents);
    if (events.length === 0) return;
    const isFull = this.#part === undefined || this.#part.events.length + events.length > partEvents;
    const part = isFull || !this.#part ? this.#newPart(events) : withEvents(this.#part, events);
    const next: Turn = { replica: this.#replica, untilMs: clock.now() + turnMs };
    await documents.write([
      { key: turnKey, value: next, ifVersion: stored?.version ?? '' },
      { key: part.key, value: { events: part.events } },
      ...(isFull ? await this.#outdated() : []),
    ]);
    this.#part = part;
    this.#pending = this.#pending.filter((each) => !events.includes(each));
  }

  /** What the replica before has stored is not stored again. */
  async #forgetStored(): Promise<void> {
    const stored = await this.read();
    this.#pending = this.#pending.filter((event) => !stored.some((each) => isSame(each, event)));
  }

  #newPart(events: readonly StoredEvent[]): Part {
    const time = String(this.#deps.clock.now()).padStart(13, '0');
    return { key: `${prefix}${time}-${this.#replica.slice(0, 8)}`, events };
  }

  async #outdated(): Promise<readonly DocumentWrite[]> {
    const parts = await this.#deps.documents.list(prefix);
    return parts
      .slice(0, Math.max(0, parts.length + 1 - keptParts))
      .slice(0, 20)
      .map(({ key }) => ({ key, value: undefined }));
  }
}

function withEvents({ key, events }: Part, more: readonly StoredEvent[]): Part {
  return { key, events: [...events, ...more] };
}

function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return (
    one.type === other.type &&
    one.object === other.object &&
    one.message === other.message &&
    Math.abs(Date.parse(one.time) - Date.parse(other.time)) < sameMs
  );
}

function eventsIn(value: unknown): readonly StoredEvent[] {
  const { events } = value as { readonly events?: readonly StoredEvent[] };
  return Array.isArray(events) ? events : [];
}
