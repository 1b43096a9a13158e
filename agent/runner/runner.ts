import type { Assignment } from '../../coordination/contract.ts';
import { orAborted } from '../../core/aborted.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { Sync } from '../../core/sync-spec.ts';
import type { EngineObserver } from '../engine/context.ts';
import { EngineShared } from '../engine/shared.ts';
import type { AgentMetrics } from '../metrics.ts';
import { AssignedSync, type RunnerDeps } from './assigned-sync.ts';
import { DesiredReader } from './desired-reader.ts';
import { LoadMeter } from './load-meter.ts';

const loadsEveryMs = 10_000;

export type AssignmentRunnerDeps = Omit<RunnerDeps, 'observer' | 'shared'> & {
  readonly metrics: AgentMetrics;
  readonly bytesInFlight: number;
};

/** Runs the syncs that the leader has assigned to this agent, independently of each other. */
export class AssignmentRunner {
  readonly #deps: RunnerDeps;
  readonly #metrics: AgentMetrics;
  readonly #reader: DesiredReader;
  readonly #syncs = new Map<string, AssignedSync>();
  /** Syncs that were moved away and are stopping. */
  readonly #leaving = new Map<string, AssignedSync>();
  readonly #loads: LoadMeter;
  #assignments: ReadonlyMap<string, Assignment> = new Map();
  #changed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor({ metrics, bytesInFlight, ...deps }: AssignmentRunnerDeps) {
    this.#metrics = metrics;
    this.#loads = new LoadMeter(deps.clock);
    const shared = new EngineShared(deps.clock, bytesInFlight);
    this.#deps = { ...deps, shared, observer: observe(metrics, this.#loads) };
    this.#reader = new DesiredReader(deps.coordination.desired);
    this.#reportLoads().catch(() => {
      // The session has ended, and its loads with it.
    });
  }

  follow(assignments: ReadonlyMap<string, Assignment>): void {
    this.#assignments = assignments;
    for (const [uid, sync] of this.#syncs) {
      if (assignments.has(uid)) continue;
      this.#syncs.delete(uid);
      this.#leave(sync);
    }
    for (const assignment of assignments.values()) this.#take(assignment);
  }

  /** Names of syncs that are assigned or still stopping. */
  get names(): readonly string[] {
    return [...this.#syncs.values(), ...this.#leaving.values()].map(({ name }) => name).sort();
  }

  /** Resolves when the leader has moved all syncs away and each has stopped. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    while (this.#syncs.size + this.#leaving.size > 0) {
      await orAborted(this.#changed.promise, signal);
    }
  }

  /** Stops all at their next batch boundary, regardless of the leader; no further syncs are accepted. */
  stopAll(reason: 'drain' | 'shutdown'): void {
    this.#isClosed = true;
    for (const sync of this.#syncs.values()) sync.stop(reason);
  }

  /** After the loss of the session each ends by itself: resolves when the last has ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#syncs.values(), ...this.#leaving.values()].map(({ done }) => done));
    await this.#deps.shared.close();
  }

  #take(assignment: Assignment): void {
    const { uid } = assignment;
    // It is started again when the previous run has stopped.
    if (this.#isClosed || this.#leaving.has(uid)) return;
    const known = this.#syncs.get(uid);
    if (known) known.update(assignment);
    else {
      const sync = new AssignedSync(assignment, this.#reader, this.#deps);
      this.#syncs.set(uid, sync);
      sync.done.finally(() => this.#ended(sync)).catch(() => {});
    }
  }

  #leave(sync: AssignedSync): void {
    this.#leaving.set(sync.uid, sync);
    sync.stop('drain');
  }

  #ended(sync: AssignedSync): void {
    if (this.#leaving.get(sync.uid) === sync) this.#leaving.delete(sync.uid);
    if (this.#syncs.get(sync.uid) === sync) this.#syncs.delete(sync.uid);
    const [namespace = '', name = ''] = sync.name.split('/');
    this.#metrics.forget({ uid: sync.uid, namespace, name });
    this.#loads.forget(sync.uid);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    const again = this.#assignments.get(sync.uid);
    if (again && !this.#deps.session.signal.aborted) this.#take(again);
  }

  async #reportLoads(): Promise<void> {
    const { clock, session } = this.#deps;
    for (;;) {
      await clock.sleep(loadsEveryMs, session.signal);
      session.setLoads(this.#loads.loads(), this.#loads.midPass());
    }
  }
}

function observe(metrics: AgentMetrics, loads: LoadMeter): EngineObserver {
  return {
    batchWritten(sync, batch) {
      metrics.batchWritten(sync, batch);
      loads.add(sync.uid, batch.writeMs);
    },
    passEnded(sync) {
      metrics.passEnded(sync);
      loads.passEnded(sync.uid);
    },
    attemptFailed(sync, error) {
      metrics.attemptFailed(sync, error);
      loads.passEnded(sync.uid);
    },
    reported: (sync: Sync, status: SyncStatus) => metrics.reported(sync, status),
  };
}
