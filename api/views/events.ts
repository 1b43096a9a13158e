import type { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import type { FleetView, ViewChange } from '../../fleet/view/contract.ts';
import type { event } from '../schemas/cluster.ts';
import type { Authors } from './authors.ts';

export type EventData = z.infer<typeof event>;

interface SeenSync {
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly agent: string;
  readonly generation: number;
}

const kept = 5_000;
const settleMs = 500;
/** Between these nothing happens that is worth a line. */
const quietStates = new Set(['Running', 'Waiting']);

/**
 * What happened: state changes, moves between agents, changed specs. The newest some thousand, in memory; event-store.ts keeps them for
 * the next process.
 */
export class Events {
  readonly #view: FleetView;
  readonly #clock: Clock;
  readonly #authors: Pick<Authors, 'of'>;
  #events: EventData[] = [];
  readonly #syncs = new Map<string, SeenSync>();
  #agents = new Set<string>();
  #leader: string | undefined;
  #count = 0;
  readonly #listeners = new Set<(event: EventData) => void>();
  readonly #unlisten: () => void;

  constructor(view: FleetView, clock: Clock, authors: Pick<Authors, 'of'>) {
    this.#view = view;
    this.#clock = clock;
    this.#authors = authors;
    for (const { uid } of view.syncs()) this.#see(uid, true);
    this.#seeAgents(true);
    this.#unlisten = view.onChange((change) => this.#apply(change));
  }

  /** What happened before this process was started, oldest first. Before anything is listed. */
  restore(stored: readonly Omit<EventData, 'id'>[]): void {
    const all = [...stored.slice(-kept), ...this.#events];
    this.#events = all.map((event, index) => ({ ...event, id: String(index + 1) }));
    this.#count = all.length;
  }

  /** In single mode, where nothing but the file can have changed it, before this process was started. */
  addFileChange({ namespace, name }: FleetSync): void {
    this.#push({
      ...about({ namespace, name }),
      type: 'SpecChanged',
      message: 'the spec has changed',
      by: { kind: 'file', name: 'manifest' },
    });
  }

  /** Newest first. */
  list(isWanted: (event: EventData) => boolean): readonly EventData[] {
    // What had to be looked up is stored later than it happened.
    return this.#events.filter(isWanted).reverse().sort(byTime);
  }

  onEvent(listener: (event: EventData) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#unlisten();
  }

  #apply(change: ViewChange): void {
    if (change.kind === 'sync') this.#see(change.uid, false);
    if (change.kind === 'agents') this.#seeAgents(false);
  }

  #see(uid: string, isFirst: boolean): void {
    const sync = this.#view.getSync(uid);
    const before = this.#syncs.get(uid);
    if (!sync) {
      this.#syncs.delete(uid);
      if (before) this.#add('Deleted', before, 'deleted', false);
      return;
    }
    const { namespace, name, generation, status } = sync;
    const now: SeenSync = {
      namespace,
      name,
      generation,
      state: status?.state ?? 'Pending',
      reason: status?.reason ?? '',
      // A move deletes one assignment and writes another: in between the last one counts.
      agent: this.#view.assignmentOf(uid)?.agent ?? before?.agent ?? '',
    };
    this.#syncs.set(uid, now);
    if (isFirst) return;
    if (!before) this.#addChange('Created', sync, 'created');
    else {
      if (before.generation !== generation)
        this.#addChange('SpecChanged', sync, `the spec has changed (generation ${generation})`);
      this.#compare(before, now, status?.message ?? '');
    }
  }

  #compare(before: SeenSync, now: SeenSync, message: string): void {
    if (before.agent !== now.agent) this.#addMove(before.agent, now);
    const isQuiet = quietStates.has(before.state) && quietStates.has(now.state);
    if (before.state !== now.state && !isQuiet)
      this.#add('StateChanged', now, `${before.state} -> ${now.state}: ${message}`, now.state === 'Failed');
  }

  /** Who it was has to be looked up. */
  #addChange(type: 'Created' | 'SpecChanged', sync: FleetSync, message: string): void {
    const time = this.#now();
    void this.#authors
      .of(sync)
      .then((by) => this.#push({ ...about(sync), type, message, time, ...(by && { by }) }));
  }

  /** The cause arrives by another watch, perhaps after the move. */
  #addMove(from: string, sync: SeenSync): void {
    const timer = setTimeout(
      () => this.#add('Moved', sync, this.#moveText(from, sync.agent), false),
      settleMs,
    );
    timer.unref();
  }

  #moveText(from: string, to: string): string {
    if (from === '') return `assigned to ${to}`;
    const left = this.#view.agents().find(({ name }) => name === from);
    const why = !left
      ? `${from} is gone`
      : left.isDraining
        ? `${from} is stopping`
        : left.hold?.mode === 'Draining'
          ? `${from} is drained by ${left.hold.by}`
          : 'the load was balanced';
    return `moved from ${from} to ${to}: ${why}`;
  }

  #seeAgents(isFirst: boolean): void {
    const agents = this.#view.agents();
    const names = new Set(agents.map(({ name }) => name));
    const leader = agents.find(({ isLeader }) => isLeader)?.name;
    if (!isFirst) {
      for (const name of [...names].filter((each) => !this.#agents.has(each)))
        this.#addAgent('AgentJoined', name, 'joined');
      for (const name of [...this.#agents].filter((each) => !names.has(each)))
        this.#addAgent('AgentLeft', name, 'left');
      if (leader !== undefined && leader !== this.#leader)
        this.#addAgent(
          'LeaderChanged',
          leader,
          this.#leader === undefined ? 'is leader' : `is leader after ${this.#leader}`,
        );
    }
    this.#agents = names;
    this.#leader = leader ?? this.#leader;
  }

  #addAgent(type: EventData['type'], name: string, what: string): void {
    this.#push({ type, object: `Agent ${name}`, message: what, isWarning: type === 'AgentLeft' });
  }

  #add(type: EventData['type'], sync: SeenSync, message: string, isWarning: boolean): void {
    this.#push({ ...about(sync), type, message: message.slice(0, 500), isWarning });
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #push(parts: Omit<EventData, 'id' | 'time'> & { readonly time?: string }): void {
    this.#count += 1;
    const event = { time: this.#now(), ...parts, id: String(this.#count) };
    this.#events.push(event);
    if (this.#events.length > 1.2 * kept) this.#events.splice(0, this.#events.length - kept);
    for (const listener of this.#listeners) listener(event);
  }
}

function about({ namespace, name }: Pick<SeenSync, 'namespace' | 'name'>) {
  return { namespace, object: `Sync ${namespace}/${name}`, isWarning: false };
}

function byTime(one: EventData, other: EventData): number {
  return one.time < other.time ? 1 : one.time > other.time ? -1 : 0;
}
