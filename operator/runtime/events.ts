import { randomBytes } from 'node:crypto';
import { boundedText } from '../../core/bounded-text.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { asIdraError } from '../../core/errors.ts';
import { hasCode } from './api-errors.ts';
import type { KubernetesClient } from './client.ts';
import { apiVersionOf, type KubernetesObject, microTime, type ObjectRef, type Resource } from './objects.ts';

export const events: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable. */
  readonly reason: string;
  /** CamelCase: what was done about it: `Reconcile`. */
  readonly action: string;
  /** For users; no secrets. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
  /** `idra.dev/operator`. */
  readonly controller: string;
  /** Name of this process. */
  readonly instance: string;
  /** Called for events that were not written, with the cause: too many, or the error's code. */
  readonly onDropped?: (cause: string) => void;
  readonly clock?: Clock;
}

/** A repeated event is counted in the series of the first one, which is written at most at this interval. */
const seriesEveryMs = 60_000;
/** The server keeps events for an hour: after that a repeated event is new again. */
const forgetMs = 3_600_000;
const maxRemembered = 4_096;
/** Of 1,024; the rest is for the note that the text was truncated. */
const maxNoteBytes = 960;
/** If the API server is busy or restarting, the event is written slightly later. */
const attempts = 4;
const retryMs = 2_000;
const maxWaiting = 500;
/** For one object: this many at once, and one more each minute. */
const burst = 20;
const refillMs = 60_000;

interface Remembered {
  readonly ref: ObjectRef;
  readonly firstMs: number;
  count: number;
  writtenMs: number;
  /** It was repeated, and the repetition is not written yet. */
  isSeriesDue?: boolean;
}

/**
 * Records events for users, as shown by `kubectl describe`. Never fails and never blocks: an event that cannot be written is counted and
 * dropped.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  /** In order of last use. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #budgets = new Map<string, { tokens: number; atMs: number }>();
  readonly #closing = new AbortController();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** `budget`: whose events are counted together; by default the object's. */
  record(
    resource: Resource,
    object: KubernetesObject,
    objectEvent: ObjectEvent,
    budget = object.metadata.uid,
  ): void {
    const nowMs = this.#clock.monotonicMs();
    const { type, reason, action, note } = objectEvent;
    const key = JSON.stringify([object.metadata.uid, type, reason, action, note]);
    const known = this.#recall(key, nowMs);
    if (known) {
      known.count++;
      if (known.isSeriesDue) return;
      known.isSeriesDue = true;
      this.#later(known.writtenMs + seriesEveryMs - nowMs, () => {
        known.isSeriesDue = false;
        known.writtenMs = this.#clock.monotonicMs();
        this.#enqueue(key, () => this.#writeSeries(known));
      });
      return;
    }
    if (!this.#spend(budget, nowMs)) {
      this.#drop('RateLimited');
      return;
    }
    const namespace = object.metadata.namespace ?? 'default';
    const name = `${object.metadata.name.slice(0, 230)}.${randomBytes(8).toString('hex')}`;
    remember(this.#remembered, key, { ref: { namespace, name }, firstMs: nowMs, count: 1, writtenMs: nowMs });
    const event = this.#describe(resource, object, objectEvent);
    this.#enqueue(key, () =>
      this.#options.client.create(events, { metadata: { namespace, name }, ...event }),
    );
  }

  /** Resolves when all events recorded so far are written or dropped. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** Delayed events are dropped; resolves when the rest is written. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.flush();
  }

  /** Runs at once if there is no delay. */
  #later(waitMs: number, act: () => void): void {
    if (waitMs <= 0) act();
    else this.#clock.sleep(waitMs, this.#closing.signal).then(act, () => {});
  }

  #describe(resource: Resource, { metadata }: KubernetesObject, objectEvent: ObjectEvent): object {
    const { name, namespace, uid, resourceVersion } = metadata;
    const { type, reason, action, note } = objectEvent;
    return {
      eventTime: microTime(this.#clock.now()),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance,
      regarding: {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name,
        namespace,
        uid,
        resourceVersion,
      },
      type,
      reason,
      action,
      note: boundedText(note, maxNoteBytes),
    };
  }

  async #writeSeries({ ref, count }: Remembered): Promise<void> {
    const series = { count, lastObservedTime: microTime(this.#clock.now()) };
    await this.#options.client.patch(events, ref, { series });
  }

  #recall(key: string, nowMs: number): Remembered | undefined {
    const known = this.#remembered.get(key);
    if (!known) return undefined;
    this.#remembered.delete(key);
    if (nowMs - known.firstMs > forgetMs) return undefined;
    this.#remembered.set(key, known);
    return known;
  }

  #spend(uid: string, nowMs: number): boolean {
    const known = this.#budgets.get(uid) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, known.tokens + (nowMs - known.atMs) / refillMs);
    this.#budgets.delete(uid);
    remember(this.#budgets, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    return tokens >= 1;
  }

  /** One at a time: events are the least important load for an overloaded API server. */
  #enqueue(key: string, write: () => Promise<unknown>): void {
    if (this.#waiting >= maxWaiting) {
      this.#remembered.delete(key);
      this.#drop('QueueFull');
      return;
    }
    this.#waiting++;
    this.#attempt(key, write, 1);
  }

  #attempt(key: string, write: () => Promise<unknown>, attempt: number): void {
    this.#last = this.#last.then(write).then(
      () => void this.#waiting--,
      (thrown: unknown) => {
        const error = asIdraError(thrown);
        if (error.disposition === 'transient' && attempt < attempts) {
          this.#later(retryMs * attempt, () => this.#attempt(key, write, attempt + 1));
          return;
        }
        this.#waiting--;
        // The answer to an earlier attempt was lost.
        if (attempt > 1 && hasCode(error, 'KubernetesAlreadyExists')) return;
        // The next one is written as new.
        this.#remembered.delete(key);
        this.#drop(error.code);
      },
    );
  }

  #drop(cause: string): void {
    this.#options.onDropped?.(cause);
  }
}

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  memory.set(key, value);
  if (memory.size <= maxRemembered) return;
  const [oldest] = memory.keys();
  if (oldest !== undefined) memory.delete(oldest);
}
