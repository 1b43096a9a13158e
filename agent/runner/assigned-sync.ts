import type { AgentSession, Assignment, Coordination } from '../../coordination/contract.ts';
import { firstAborted } from '../../core/aborted.ts';
import type { SecretReader } from '../../core/access.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import { reach } from '../../core/crash-points.ts';
import { asIdraError, IdraError, permanent, Stopped } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
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
import { failureStatus } from './failure-status.ts';
import { isDueSoon, PreparedOpen } from './prepared-open.ts';
import { removeDeleted } from './remove-deleted.ts';

export interface RunnerDeps
  extends Pick<RunContext, 'secrets' | 'definitionOf' | 'clock' | 'log' | 'observer' | 'shared'> {
  readonly coordination: Pick<Coordination, 'desired' | 'reports'>;
  readonly session: AgentSession;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
  readonly secrets: SecretReader;
  readonly clock: Clock;
  readonly log: Log;
}

/** Delay between two attempts for a lock that appears to be free. */
const acquireAgainMs = 20;

/**
 * One sync, for as long as it is assigned to this agent: reads the desired state, waits for the lock, runs, and restarts at a changed
 * version. All failures are retried; it ends only by `stop` or with the session.
 */
export class AssignedSync {
  readonly uid: string;
  readonly done: Promise<void>;
  /** `namespace/name` after it was read. */
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

  /** At the next batch boundary; then the lock is released. */
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
        if (isNews) log.warn('sync could not be run; will retry', { sync: this.name, error });
        await clock.sleep(backoffMs(failures), ends).catch(() => {});
      }
    }
  }

  /** Runs one version, until it changes or the lock is lost. */
  async #runOnce(ends: AbortSignal): Promise<void> {
    this.#change = new AbortController();
    const assigned = this.#assignment;
    const stop = AbortSignal.any([ends, this.#change.signal]);
    let prepared: PreparedOpen | undefined;
    try {
      const desired = await this.#reader.read(assigned, stop);
      if (!desired) {
        await firstAborted(stop);
        return;
      }
      this.#running = versionsOf(desired);
      if (this.#assignment !== assigned) this.update(this.#assignment);
      this.name = qualifiedName(desired.sync);
      const wanted = this.#interpret(desired);
      const lock = await this.#acquire(desired, stop, () => {
        prepared ??= this.#prepare(desired, wanted, stop);
      });
      try {
        const takePrepared = async () => await prepared?.take();
        await this.#runUnder(lock, { desired, wanted, takePrepared }, stop);
      } finally {
        await reach('release:before');
        await lock.release();
        await reach('release:after');
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      this.#running = undefined;
      await prepared?.close();
    }
  }

  /** Converts to the engine's form, or returns the error. */
  #interpret(desired: Desired): Wanted | IdraError {
    const { manifests } = this.#deps;
    try {
      return {
        sync: manifests.readSync(desired.sync),
        source: manifests.readDataSource(existing(desired, 'source')),
        destination: manifests.readDataSource(existing(desired, 'destination')),
      };
    } catch (thrown) {
      return asIdraError(thrown);
    }
  }

  #prepare({ sync }: Desired, wanted: Wanted | IdraError, signal: AbortSignal): PreparedOpen | undefined {
    if (wanted instanceof IdraError || sync.deletedAt !== undefined || !isDueSoon(wanted.sync))
      return undefined;
    const { secrets, definitionOf, shared } = this.#deps;
    return new PreparedOpen({ ...wanted, secrets, definitionOf, shared }, signal);
  }

  async #acquire({ sync }: Desired, signal: AbortSignal, onHeld: () => void): Promise<SyncLock> {
    const { session, clock } = this.#deps;
    for (;;) {
      signal.throwIfAborted();
      const lock = await session.store.acquire(sync);
      if (lock) return lock;
      onHeld();
      await session.untilFree(sync.uid, signal);
      await clock.sleep(acquireAgainMs * Math.random(), signal);
    }
  }

  async #runUnder(
    lock: SyncLock,
    { desired, wanted, takePrepared }: Ready,
    stop: AbortSignal,
  ): Promise<void> {
    const { session, coordination, clock } = this.#deps;
    const agentName = session.agent.name;
    if (wanted instanceof IdraError) {
      // Reached only with an agent of another version or a very recent change: the leader reads the manifests first.
      const last = await coordination.reports.readStatus(this.uid);
      lock.report(failureStatus({ desired: desired.sync, last, error: wanted, agentName, clock }));
      await firstAborted(stop, lock.signal);
      return;
    }
    const isOutdated = async () =>
      (await coordination.desired.getSync(this.uid))?.version !== desired.sync.version;
    const ours = { lock, stop, store: session.store, agentName, takePrepared, isOutdated };
    const context = { ...this.#deps, ...wanted, ...ours };
    if (desired.sync.deletedAt !== undefined) await removeDeleted(context, coordination, stop);
    else await runSync(context);
  }
}

type Wanted = Pick<RunContext, 'sync' | 'source' | 'destination'>;

interface Ready extends Required<Pick<RunContext, 'takePrepared'>> {
  readonly desired: Desired;
  readonly wanted: Wanted | IdraError;
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
      fix: 'apply it',
    },
  );
}
