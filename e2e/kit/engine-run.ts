import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RunEnd } from '../../agent/engine/context.ts';
import { runSync } from '../../agent/engine/run-sync.ts';
import { EngineShared } from '../../agent/engine/shared.ts';
import { definitionOf, manifests } from '../../connectors/catalog.ts';
import { openStateFile, type StateFile } from '../../coordination/single/state-file.ts';
import type { SecretReader } from '../../core/access.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { permanent, Stopped } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import type { Request, RequestStatus, SyncStatus } from '../../core/status.ts';
import { defaultConcurrentSyncs } from '../../core/sync-spec.ts';
import type { Slots } from '../../core/sync-store.ts';
import { removeFolder } from './temp.ts';
import { until } from './wait.ts';

/** A folder with a source file and a destination file, and runs between them. */
export class TwoFiles {
  readonly folder: string;
  readonly #running = new Set<EngineRun>();

  constructor(folder: string) {
    this.folder = folder;
  }

  execute(name: string, sql: string): void {
    this.#on(name, (database) => database.exec(sql));
  }

  /** offset, rows and closed of the newest claim. */
  commitRow() {
    return this.query('destination', 'SELECT offset, rows, closed FROM _idra_commits ORDER BY token DESC')[0];
  }

  query(name: string, sql: string): unknown[][] {
    return this.#on(name, (database) => database.prepare(sql).raw().all() as unknown[][]);
  }

  /** Rows of the table `t` at the destination. */
  arrived(): unknown[][] {
    return this.query('destination', 'SELECT * FROM t ORDER BY id');
  }

  start(
    spec: EngineSetting['spec'],
    clock?: Clock,
    more: Pick<
      EngineSetting,
      'definitionOf' | 'destination' | 'isOutdated' | 'shared' | 'maxRowsPerSecond'
    > = {},
  ): EngineRun {
    const run = new EngineRun({ folder: this.folder, spec, ...(clock ? { clock } : {}), ...more });
    this.#running.add(run);
    void run.end.finally(() => this.#running.delete(run));
    return run;
  }

  /** One pass in its own run. */
  async once(spec: EngineSetting['spec'], more: Pick<EngineSetting, 'destination'> = {}) {
    const run = new EngineRun({ folder: this.folder, spec, ...more }, { retryForMs: 1_000 });
    const end = await run.end;
    if (!run.status) throw new Error('the run reported nothing');
    // Counts continue over runs; this is the count of this run.
    const read = run.status.rows.read - (run.statuses[0]?.rows.read ?? 0);
    return { end, status: run.status, read };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((run) => run.stop()));
    await removeFolder(this.folder);
  }

  #on<T>(name: string, body: (database: Database.Database) => T): T {
    const database = new Database(join(this.folder, `${name}.db`));
    try {
      return body(database);
    } finally {
      database.close();
    }
  }
}

export const noSecrets: SecretReader = {
  read: async (namespace, name) => {
    throw permanent('SecretNotFound', `no Secret ${namespace}/${name}`);
  },
};

export interface EngineSetting {
  /** Folder of `source.db`, `destination.db` and the state file. */
  readonly folder: string;
  /** The manifest's spec. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  /** Name of the destination's file: `destination`. */
  readonly destination?: string;
  /** Definitions of the two ends: tests insert hooks between the engine and SQLite. */
  readonly definitionOf?: typeof definitionOf;
  readonly isOutdated?: () => Promise<boolean>;
  /** With other Syncs. */
  readonly shared?: EngineShared;
  /** Of the source. */
  readonly maxRowsPerSecond?: number;
  /** Instead of a Sync between two SQLite files. */
  readonly objects?: (uid: string) => ReturnType<typeof engineObjects>;
}

/** The Sync and its data sources, in the form that the engine expects. */
export function engineObjects(
  {
    folder,
    spec,
    destination = 'destination',
    maxRowsPerSecond,
  }: Pick<EngineSetting, 'folder' | 'spec' | 'destination' | 'maxRowsPerSecond'>,
  uid = 'u',
) {
  const identity = { namespace: 'default', generation: 1 };
  const file = (name: string, path: string, more: object = {}) =>
    manifests.readDataSource({
      ...identity,
      uid: name,
      name,
      spec: { sqlite: { path: `${folder}/${path}.db` }, ...more },
    });
  return {
    sync: manifests.readSync({ ...identity, uid, name: 's', spec }),
    source: file('source', 'source', maxRowsPerSecond === undefined ? {} : { maxRowsPerSecond }),
    destination: file('destination', destination),
  };
}

/** For tests: one Sync between two SQLite files, run by the engine over single mode's state file. */
export class EngineRun {
  readonly state: StateFile;
  readonly statuses: SyncStatus[] = [];
  readonly end: Promise<RunEnd>;
  readonly uid: string;
  readonly #stop = new AbortController();

  constructor(setting: EngineSetting, once?: { readonly retryForMs: number }) {
    const { folder, clock = systemClock } = setting;
    this.state = openStateFile(`${folder}/state.db`, { clock });
    this.state.onReport((status) => this.statuses.push(status));
    const { uid } = this.state.identify('default', 's');
    this.uid = uid;
    this.end = this.#run(setting, clock, once).finally(() => this.state.close());
  }

  async #run(
    setting: EngineSetting,
    clock: Clock,
    once: { readonly retryForMs: number } | undefined,
  ): Promise<RunEnd> {
    const { sync, source, destination } = setting.objects?.(this.uid) ?? engineObjects(setting, this.uid);
    const lock = await this.state.store.acquire(sync);
    if (!lock) throw new Error('the state file gave no lock');
    try {
      return await runSync({
        sync,
        source,
        destination,
        lock,
        stop: this.#stop.signal,
        store: this.state.store,
        shared: setting.shared ?? new EngineShared(clock),
        secrets: noSecrets,
        definitionOf: setting.definitionOf ?? definitionOf,
        agentName: 'test',
        clock,
        log: silentLog,
        observer: { batchWritten() {}, passEnded() {}, attemptFailed() {} },
        ...(setting.isOutdated ? { isOutdated: setting.isOutdated } : {}),
        ...(once ? { once } : {}),
      });
    } finally {
      await lock.release();
    }
  }

  /** Waits until the last reported status has this state and reason. */
  async seen(state: SyncStatus['state'], reason?: string): Promise<SyncStatus> {
    return await until(
      () =>
        this.status?.state === state &&
        (reason === undefined || this.status.reason === reason) &&
        this.status,
      { what: `${state} ${reason ?? ''}` },
    );
  }

  async answered(type: Request['type'], id: string): Promise<RequestStatus> {
    return await until(() => this.answer({ type, id }), { what: `the answer to ${type}` });
  }

  get status(): SyncStatus | undefined {
    return this.statuses.at(-1);
  }

  post(request: Request): boolean {
    return this.state.post(this.uid, request);
  }

  answer({ type, id }: Pick<Request, 'type' | 'id'>): RequestStatus | undefined {
    return this.state.answers(this.uid).find((each) => each.type === type && each.id === id);
  }

  async stop(): Promise<RunEnd> {
    this.#stop.abort(new Stopped('shutdown'));
    return await this.end;
  }
}

/** Takes all slots of the source for Syncs with other names. */
export async function takeAllSlots(run: EngineRun, spec: EngineSetting['spec']): Promise<readonly Slots[]> {
  const { signal } = new AbortController();
  const take = (index: number) => {
    const { sync, source } = engineObjects({ folder: '', spec }, `other${index}`);
    return run.state.store.acquireSlots(sync, [source], signal);
  };
  return await Promise.all(Array.from({ length: defaultConcurrentSyncs }, (_, index) => take(index)));
}

/** Time that only advances when the test says so. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  constructor(start: string) {
    this.#nowMs = Date.parse(start);
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Whether somebody sleeps and has exactly this much time left. */
  sleepsFor(ms: number): boolean {
    return [...this.#sleepers].some(({ untilMs }) => untilMs - this.#nowMs === ms);
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.untilMs <= this.#nowMs) sleeper.wake();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper = {
        untilMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      const stop = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}

/** Three rows, with an id and a time. */
export const table = `PRAGMA journal_mode = WAL;
  CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, at DATETIME DEFAULT '2026-11-24 08:00:00');
  INSERT INTO t (v) VALUES ('a'), ('b'), ('c');`;
export const byId: Record<string, unknown> = {
  source: { dataSource: 'source', table: 't', idField: 'id' },
  destination: { dataSource: 'destination', table: 't' },
  mode: 'Id',
  schedule: { every: '1h' },
};
export const snapshot: Record<string, unknown> = {
  ...byId,
  source: { dataSource: 'source', table: 't' },
  mode: 'Snapshot',
  schedule: { once: true },
};
