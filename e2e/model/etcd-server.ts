import type { LeaseId, WatchRequest } from '../../coordination/etcd/transport.ts';
import { EtcdState, type Revision } from './etcd-state.ts';
import type { Link } from './link.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export interface WatchFeed {
  readonly link: Link;
  readonly request: WatchRequest;
  onRevision(revision: Revision): void;
  onBroken(): void;
}

/** The etcd of the model: the state machine, the clock of its leases, its watchers, and its own faults. */
export class EtcdServer {
  readonly state = new EtcdState();
  /** Which process was granted a lease. */
  readonly grantedTo = new Map<LeaseId, Process>();
  readonly #world: World;
  readonly #feeds = new Set<WatchFeed>();
  #silentUntilMs = 0;

  constructor(world: World) {
    this.#world = world;
    this.state.onRevision = (revision) => {
      for (const feed of this.#feeds) feed.onRevision(revision);
    };
  }

  /** Handles a request now, or when it answers again; what arrived meanwhile may be lost. */
  handle(run: () => void): void {
    const waitMs = this.#silentUntilMs - this.#world.nowMs;
    if (waitMs <= 0) run();
    else if (this.#world.random.isTrue(0.7))
      this.#world.at(waitMs + this.#world.random.between(0, 20), undefined, 'etcd handles', () =>
        this.handle(run),
      );
  }

  grant(ttlSeconds: number, process: Process): LeaseId {
    const id = this.state.grant(ttlSeconds, this.#world.nowMs);
    this.grantedTo.set(id, process);
    this.#expectEnd(id);
    return id;
  }

  follow(feed: WatchFeed): () => void {
    this.#feeds.add(feed);
    return () => this.#feeds.delete(feed);
  }

  /** No leader, a full disk, a stopped member: no answers for a time. A new leader extends every lease to its full TTL. */
  fallSilent(forMs: number): void {
    this.#silentUntilMs = Math.max(this.#silentUntilMs, this.#world.nowMs + forMs);
    this.#world.at(forMs, undefined, 'etcd answers again', () => {
      if (this.#world.random.isTrue(0.5)) this.state.extendLeases(this.#world.nowMs);
    });
  }

  breakWatches(): void {
    for (const feed of [...this.#feeds]) {
      this.#feeds.delete(feed);
      feed.onBroken();
    }
  }

  /** As documented: back to an older state, and a higher epoch before any client is served. */
  restore(backTo: () => void, raiseEpoch: () => void): void {
    backTo();
    raiseEpoch();
    this.state.extendLeases(this.#world.nowMs);
    for (const id of this.state.leases) this.#expectEnd(id);
    this.breakWatches();
  }

  #expectEnd(id: LeaseId): void {
    const endsAtMs = this.state.leaseEnd(id);
    if (endsAtMs === undefined) return;
    // It checks twice a second, so no lease ends before its time and some end slightly late.
    const delayMs =
      Math.max(endsAtMs, this.#silentUntilMs) - this.#world.nowMs + this.#world.random.between(0, 500);
    this.#world.at(delayMs, undefined, 'etcd checks a lease', () => {
      const isOver = (this.state.leaseEnd(id) ?? 0) <= this.#world.nowMs;
      if (this.state.leaseEnd(id) === undefined) return;
      if (isOver && this.#silentUntilMs <= this.#world.nowMs) this.state.revoke(id);
      else this.#expectEnd(id);
    });
  }
}
