import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SyncStatus } from '../core/status.ts';
import { qualifiedName, type SyncIdentity } from '../core/sync-spec.ts';
import type { EngineObserver } from './engine/context.ts';

/** State of the process that is read at each scrape. */
export interface AgentState {
  /** Undefined: the agent is not a member. */
  leaseLeftMs(): number | undefined;
  isLeader(): boolean;
}

/** The agent's metrics. Labels are bounded by the syncs assigned to this agent: the series of a sync are removed with it. */
export class AgentMetrics implements EngineObserver {
  readonly registry = new Registry();
  readonly #ofSync: readonly (Counter<string> | Gauge<string> | Histogram<string>)[];
  readonly #rows = this.#counter('rows_written_total', 'Rows written at the destination', ['sync']);
  readonly #bytes = this.#counter('bytes_written_total', 'Bytes of those rows in transit', ['sync']);
  readonly #commits = new Histogram({
    name: 'idra_commit_seconds',
    help: 'From handing a batch to the destination to its commit; the count is the number of batches',
    labelNames: ['sync'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.registry],
  });
  readonly #passes = this.#counter('passes_total', 'Completed passes', ['sync']);
  readonly #retries = this.#counter('retries_total', 'Failed attempts that are retried automatically', [
    'sync',
  ]);
  readonly #errors = this.#counter('errors_total', 'Failed attempts, by error code', ['sync', 'code']);
  readonly #lag: Gauge<string>;
  readonly #statuses = new Map<string, SyncStatus>();
  readonly #codes = new Map<string, Set<string>>();

  constructor(state: AgentState) {
    const statuses = this.#statuses;
    this.#lag = new Gauge({
      name: 'idra_lag_seconds',
      help: 'How far the destination is behind the source',
      labelNames: ['sync'],
      registers: [this.registry],
      collect() {
        for (const [sync, status] of statuses) this.set({ sync }, lagNow(status, Date.now()));
      },
    });
    this.#gauge('syncs_running', 'Syncs whose lock this agent holds', () => statuses.size);
    this.#gauge(
      'lease_left_seconds',
      'Time until all syncs are stopped, unless etcd confirms the lease',
      () => (state.leaseLeftMs() ?? 0) / 1_000,
    );
    this.#gauge('member', '1 while this agent is a member of the cluster', () =>
      state.leaseLeftMs() === undefined ? 0 : 1,
    );
    this.#gauge('leader', '1 while this agent is the leader', () => (state.isLeader() ? 1 : 0));
    this.#gauge('memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
    const delay = monitorEventLoopDelay({ resolution: 20 });
    delay.enable();
    this.#gauge('event_loop_delay_seconds', 'Longest delay of the event loop since the last scrape', () => {
      const longest = delay.max / 1e9;
      delay.reset();
      return longest;
    });
    this.#ofSync = [this.#rows, this.#bytes, this.#commits, this.#passes, this.#retries, this.#lag];
  }

  batchWritten(sync: SyncIdentity, batch: { rows: number; bytes: number; writeMs: number }): void {
    const label = { sync: qualifiedName(sync) };
    this.#rows.inc(label, batch.rows);
    this.#bytes.inc(label, batch.bytes);
    this.#commits.observe(label, batch.writeMs / 1_000);
  }

  passEnded(sync: SyncIdentity): void {
    this.#passes.inc({ sync: qualifiedName(sync) });
  }

  attemptFailed(sync: SyncIdentity, { code, isTransient }: { code: string; isTransient: boolean }): void {
    const name = qualifiedName(sync);
    if (isTransient) this.#retries.inc({ sync: name });
    this.#errors.inc({ sync: name, code });
    this.#codes.set(name, (this.#codes.get(name) ?? new Set()).add(code));
  }

  reported(sync: SyncIdentity, status: SyncStatus): void {
    this.#statuses.set(qualifiedName(sync), status);
  }

  /** Of the Syncs that run here, as last reported. */
  statuses(): Iterable<SyncStatus> {
    return this.#statuses.values();
  }

  /** The sync no longer runs here. */
  forget(of: SyncIdentity): void {
    const sync = qualifiedName(of);
    this.#statuses.delete(sync);
    for (const metric of this.#ofSync) metric.remove({ sync });
    for (const code of this.#codes.get(sync) ?? []) this.#errors.remove({ sync, code });
    this.#codes.delete(sync);
  }

  #counter(name: string, help: string, labelNames: string[]): Counter<string> {
    return new Counter({ name: `idra_${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name: `idra_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }
}

/** Lag grows while no status is reported. */
function lagNow({ lagSeconds = 0, observedAt }: SyncStatus, nowMs: number): number {
  return lagSeconds === 0 ? 0 : lagSeconds + Math.max(0, (nowMs - Date.parse(observedAt)) / 1_000);
}
