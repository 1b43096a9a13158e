import type { Coordination, DataSourceReport, Watching } from '../../coordination/contract.ts';
import { orAborted } from '../../core/aborted.ts';
import type { Clock } from '../../core/clock.ts';
import type { UnassignedReason } from '../../core/effective-status.ts';
import { asIdraError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { SyncStatus } from '../../core/status.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { Outage } from './outage.ts';

export interface EtcdViewListener {
  onSync(uid: string): void;
  onDataSource(key: string): void;
  /** Called on changes that affect all objects: etcd is lost or back, the last agent has left or the first has joined. */
  onSurroundings(): void;
}

export interface EtcdViewDeps {
  readonly coordination: Pick<Coordination, 'reports' | 'cluster' | 'checkWrites'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Interval between checks of etcd and the list of agents. */
  readonly checkIntervalMs?: number;
  /** Time without an answer, or without an agent, before it is reported: a single restart does not concern users. */
  readonly graceMs?: number;
}

const noAgent: UnassignedReason = {
  reason: 'NoAgent',
  message: 'no agent is running; check that agent pods are up and reach etcd',
};

/** The state of all syncs and data sources in etcd, kept up to date by three watches; and whether etcd answers and accepts writes. */
export class EtcdView {
  readonly #deps: EtcdViewDeps;
  readonly #listeners = new Set<EtcdViewListener>();
  readonly #statuses = new Map<string, SyncStatus>();
  readonly #unassigned = new Map<string, UnassignedReason>();
  readonly #reports = new Map<string, DataSourceReport>();
  #outage: Outage | undefined;
  #hasSynced = false;
  /** Monotonic: when etcd last answered and accepted writes; and the last time that an agent was present, or that the agents were unknown. */
  #usableMs: number;
  #populatedMs: number;
  #hasAgents = true;

  constructor(deps: EtcdViewDeps) {
    this.#deps = deps;
    this.#usableMs = deps.clock.monotonicMs();
    this.#populatedMs = this.#usableMs;
  }

  listen(listener: EtcdViewListener): void {
    this.#listeners.add(listener);
  }

  /** Undefined while etcd can be used, or could not be used for a short time only. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** Everything in etcd has been read once: what is missing here does not exist there. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  statusOf(uid: string): SyncStatus | undefined {
    return this.#statuses.get(uid);
  }

  /** Why no agent can run it, as reported by the leader of the agents; without agents there is no leader to report it. */
  unassignedOf(uid: string): UnassignedReason | undefined {
    return this.#hasAgents ? this.#unassigned.get(uid) : noAgent;
  }

  reportOf(key: string): DataSourceReport | undefined {
    return this.#reports.get(key);
  }

  /** Call for a deleted data source: a new one under its name has not been checked. */
  forgetReport(key: string): void {
    this.#reports.delete(key);
  }

  /** Runs until the signal fires; no error ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.#watch();
    const synced = async () => {
      await orAborted(Promise.all(watching.map(({ isSynced }) => isSynced)), signal);
      this.#hasSynced = true;
      this.#notifyAll();
    };
    try {
      await Promise.all([synced().catch(() => {}), this.#poll(signal)]);
    } finally {
      await Promise.all(watching.map((each) => each.close()));
    }
  }

  #watch(): readonly Watching[] {
    const { reports } = this.#deps.coordination;
    // Whether etcd can be used is checked below; each watch retries by itself.
    const onError = (error: Error) => this.#deps.log.debug('watch of etcd failed', { error });
    return [
      reports.watchStatuses((uid, status) => this.#take(this.#statuses, uid, status), onError),
      reports.watchUnassigned((uid, reason) => this.#take(this.#unassigned, uid, reason), onError),
      reports.watchDataSources((report) => {
        const key = qualifiedName(report);
        this.#reports.set(key, report);
        for (const listener of this.#listeners) listener.onDataSource(key);
      }, onError),
    ];
  }

  #take<T>(map: Map<string, T>, uid: string, value: T | undefined): void {
    if (value === undefined) map.delete(uid);
    else map.set(uid, value);
    for (const listener of this.#listeners) listener.onSync(uid);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { clock, coordination, checkIntervalMs = 3_000 } = this.#deps;
    while (!signal.aborted) {
      try {
        const agents = await orAborted(coordination.cluster.agents(), signal);
        await orAborted(coordination.checkWrites(), signal);
        this.#recovered();
        this.#count(agents.length);
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failed(thrown);
      }
      await clock.sleep(checkIntervalMs, signal).catch(() => {});
    }
  }

  #recovered(): void {
    const { clock, log } = this.#deps;
    this.#usableMs = clock.monotonicMs();
    if (!this.#outage) return;
    log.info('etcd answers and accepts writes again', { since: this.#outage.since });
    this.#outage = undefined;
    this.#populatedMs = this.#usableMs;
    this.#notifyAll();
  }

  #failed(thrown: unknown): void {
    const { clock, log, graceMs = 15_000 } = this.#deps;
    const unusableMs = clock.monotonicMs() - this.#usableMs;
    const error = asIdraError(thrown);
    const reason = error.code === 'EtcdFull' ? error.code : 'EtcdUnavailable';
    if (this.#outage?.reason === reason || unusableMs < graceMs) return;
    const since = this.#outage?.since ?? new Date(clock.now() - unusableMs).toISOString();
    this.#outage = { reason, since, message: describeError(error) };
    const what = reason === 'EtcdFull' ? 'etcd refuses writes' : 'etcd does not answer';
    log.error(`${what}: the state of syncs is unknown, and changes do not reach the agents`, {
      since,
      error,
    });
    this.#notifyAll();
  }

  #count(agents: number): void {
    const { clock, log, graceMs = 15_000 } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (agents > 0) this.#populatedMs = nowMs;
    const hasAgents = nowMs - this.#populatedMs < graceMs;
    if (hasAgents === this.#hasAgents) return;
    this.#hasAgents = hasAgents;
    if (hasAgents) log.info('agents are running again', { agents });
    else log.warn('no agent is running: no sync can run');
    this.#notifyAll();
  }

  #notifyAll(): void {
    for (const listener of this.#listeners) listener.onSurroundings();
  }
}
