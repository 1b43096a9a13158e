import type { AgentSession, Assignment, Coordination } from '../../coordination/contract.ts';
import type { SecretReader } from '../../core/access.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import { reach } from '../../core/crash-points.ts';
import { asIdraError, type IdraError, permanent, Stopped } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { SyncLock } from '../../core/sync-store.ts';
import type { RunContext } from '../engine/context.ts';
import { runSync } from '../engine/run-sync.ts';
import {
  type Desired,
  type DesiredReader,
  isSameVersions,
  type Versions,
  versionsOf,
} from './desired-reader.ts';
import { removeDeleted } from './remove-deleted.ts';
import { troubledStatus } from './troubled-status.ts';

export interface RunnerDeps
  extends Pick<RunContext, 'secrets' | 'definitionOf' | 'clock' | 'log' | 'observer'> {
  readonly coordination: Pick<Coordination, 'desired' | 'reports'>;
  readonly session: AgentSession;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
  readonly secrets: SecretReader;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two tries for a lock that is free as far as is known. */
const acquireAgainMs = 20;

/**
 * One sync, for as long as it is assigned to this agent: reads what is wanted, waits for the lock, runs, and begins anew at a
 * changed version. Whatever fails here is tried again; it ends only by `stop` or with the session.
 */
export class AssignedSync {
  readonly uid: string;
  readonly done: Promise<void>;
  /** `namespace/name` once it was read. */
  name: string;
  readonly #deps: RunnerDeps;
  readonly #reader: DesiredReader;
  readonly #stop = new AbortController();
  #assignment: Assignment;
  #change = new AbortController();
  #running: Versions | undefined;

  constructor(assignment: Assignment, reader: DesiredReader, deps: RunnerDeps) {
    this.uid = assignment.uid;
    this.name = assignment.uid;
    this.#assignment = assignment;
    this.#reader = reader;
    this.#deps = deps;
    this.done = this.#run();
  }

  /** The same sync, perhaps at other versions. */
  update(assignment: Assignment): void {
    this.#assignment = assignment;
    if (this.#running && !isSameVersions(this.#running, assignment))
      this.#change.abort(new Stopped('spec-changed'));
  }

  /** At the next batch edge; then the lock is released. */
  stop(reason: 'drain' | 'shutdown'): void {
    this.#stop.abort(new Stopped(reason));
  }

  async #run(): Promise<void> {
    const { session, clock, log } = this.#deps;
    const ends = AbortSignal.any([this.#stop.signal, session.signal]);
    for (let failures = 0; !ends.aborted; ) {
      try {
        await this.#runOnce(ends);
        failures = 0;
      } catch (thrown) {
        if (ends.aborted) return;
        failures += 1;
        const error = asIdraError(thrown);
        const isNews = failures === 1 || error.disposition === 'bug';
        if (isNews) log.warn('sync could not be run; it is tried again', { sync: this.name, error });
        await clock.sleep(backoffMs(failures), ends).catch(() => {});
      }
    }
  }

  /** From one version to the next, or until the lock is lost. */
  async #runOnce(ends: AbortSignal): Promise<void> {
    this.#change = new AbortController();
    const assigned = this.#assignment;
    const stop = AbortSignal.any([ends, this.#change.signal]);
    try {
      const desired = await this.#reader.read(assigned, stop);
      if (!desired) return await untilAborted(stop);
      this.#running = versionsOf(desired);
      if (this.#assignment !== assigned) this.update(this.#assignment);
      this.name = qualifiedName(desired.sync);
      this.#loadDrivers(desired);
      const lock = await this.#acquire(desired, stop);
      try {
        await this.#runUnder(lock, desired, stop);
      } finally {
        await reach('release:before');
        await lock.release();
        await reach('release:after');
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      this.#running = undefined;
    }
  }

  /** While the last owner ends: the next one shall go on within a second of the release. What fails here is told by the run. */
  #loadDrivers({ source, destination }: Desired): void {
    const { manifests, definitionOf } = this.#deps;
    const load = async (end: Desired['source']) => {
      if (end) await definitionOf(manifests.readDataSource(end).spec.type).load();
    };
    for (const end of [source, destination]) load(end).catch(() => {});
  }

  async #acquire({ sync }: Desired, signal: AbortSignal): Promise<SyncLock> {
    const { session, clock } = this.#deps;
    for (;;) {
      signal.throwIfAborted();
      const lock = await session.store.acquire(sync);
      if (lock) return lock;
      await session.untilFree(sync.uid, signal);
      await clock.sleep(acquireAgainMs * Math.random(), signal);
    }
  }

  async #runUnder(lock: SyncLock, desired: Desired, stop: AbortSignal): Promise<void> {
    const { session, coordination, observer, manifests } = this.#deps;
    const agentName = session.agent.name;
    let wanted: { readonly sync: Sync; readonly source: DataSource; readonly destination: DataSource };
    try {
      wanted = {
        sync: manifests.readSync(desired.sync),
        source: manifests.readDataSource(existing(desired, 'source')),
        destination: manifests.readDataSource(existing(desired, 'destination')),
      };
    } catch (thrown) {
      // Only an agent of another version, or a change just now, comes here: the leader reads the manifests first.
      const last = await coordination.reports.readStatus(this.uid);
      const status = troubledStatus({
        desired: desired.sync,
        last,
        error: asIdraError(thrown),
        agentName,
        clock: this.#deps.clock,
      });
      lock.report(status);
      return await untilAborted(AbortSignal.any([stop, lock.signal]));
    }
    const context: RunContext = { ...wanted, ...this.#deps, lock, stop, store: session.store, agentName };
    if (desired.sync.deletedAt !== undefined) return await removeDeleted(context, coordination, stop);
    await runSync({ ...context, observer });
  }
}

function existing(desired: Desired, end: 'source' | 'destination') {
  const found = desired[end];
  if (found) return found;
  throw missing(desired, end);
}

function missing({ sync }: Desired, end: 'source' | 'destination'): IdraError {
  return permanent(
    'DataSourceNotFound',
    `the DataSource of the ${end} of ${qualifiedName(sync)} does not exist`,
    {
      path: `spec.${end}.dataSource`,
      mend: 'apply it',
    },
  );
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
