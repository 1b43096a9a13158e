import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** Four batches of a quarter each, and as many slow ones. */
const env = { IDRA_MAX_BYTES_IN_FLIGHT: '1Mi' };
const oneBudget = 4;

let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('slow-reads');
  systems = new TestSystems(folder);
});
after(() => systems?.stop());

/** Reads that do not end, and a healthy Sync from the same server. */
class Reads {
  readonly #source: TestDatabase;
  readonly #destination: TestDatabase;

  static async create(): Promise<Reads> {
    const source = await systems.createDatabase('postgres');
    // A sort that takes long sends nothing, a tarpit begins and stops.
    await source.execute(
      'CREATE TABLE t (id int PRIMARY KEY)',
      'INSERT INTO t VALUES (1)',
      'CREATE VIEW silent AS SELECT id FROM t WHERE pg_sleep(3600) IS NOT NULL',
      'CREATE VIEW tarpit AS SELECT 0 AS id UNION ALL SELECT id FROM silent',
    );
    return new Reads(source, await systems.createDatabase('sqlite'));
  }

  private constructor(source: TestDatabase, destination: TestDatabase) {
    this.#source = source;
    this.#destination = destination;
  }

  async manifests(slowCount: number): Promise<string> {
    const healthy = syncManifest('healthy', {
      source: { dataSource: 'source', table: 'public.t', idField: 'id' },
      destination: { dataSource: 'files', table: 't' },
      mode: 'Id',
      schedule: { every: '1s' },
    });
    const unlimited = this.#source.manifest('slow').replace(/\n---\n$/, '\n  maxConcurrentSyncs: 0\n---\n');
    const slow = Array.from({ length: slowCount }, (_, at) => slowSync(at));
    const ends = this.#source.manifest('source') + this.#destination.manifest('files');
    return unlimited + ends + healthy + (await Promise.all(slow)).join('');
  }

  async addRows(): Promise<void> {
    await this.#source.execute('INSERT INTO t SELECT max(id) + generate_series(1, 100) FROM t');
  }

  async isComplete(): Promise<boolean> {
    const [[expected] = []] = await this.#source.rows('SELECT count(*) FROM public.t');
    const [[found] = []] = await this.#destination.rows('SELECT count(*) FROM t').catch(() => []);
    return String(found) === String(expected);
  }

  async readingCount(): Promise<number> {
    return (await this.#source.rows(`SELECT pid ${sleeping}`)).length;
  }

  /** The server does not notice that their client is gone. */
  async stop(): Promise<void> {
    await this.#source.execute(`SELECT pg_terminate_backend(pid) ${sleeping}`);
  }
}

const sleeping = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

async function slowSync(at: number): Promise<string> {
  // One file for each: a pass of a view is one transaction, and SQLite has one at a time.
  const file = await systems.createDatabase('sqlite');
  const spec = {
    source: { dataSource: 'slow', table: at % 2 === 0 ? 'public.silent' : 'public.tarpit' },
    destination: { dataSource: `files-${at}`, table: 't' },
    mode: 'Snapshot',
    writeMode: 'Replace',
  };
  return file.manifest(`files-${at}`) + syncManifest(`slow-${at}`, spec);
}

async function untilHealthyContinues(running: RunningSingleMode, reads: Reads): Promise<void> {
  for (let time = 0; time < 3; time++) {
    await reads.addRows();
    await until(() => reads.isComplete(), {
      what: 'all rows of the healthy Sync',
      timeoutMs: 90_000,
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(running.latest('healthy'))}`);
    });
  }
  assert.equal(running.latest('healthy')?.lastError, undefined);
}

for (const { what, slowCount } of [
  { what: 'take all memory for batches', slowCount: oneBudget },
  { what: 'are more than both budgets hold', slowCount: 3 * oneBudget },
])
  test(`a healthy Sync continues beside reads that do not end, when they ${what}`, async () => {
    const reads = await Reads.create();
    const single = new SingleMode(join(folder, String(slowCount)));
    await single.write(await reads.manifests(slowCount));
    const running = await single.start(env);
    try {
      await until(async () => (await reads.readingCount()) >= oneBudget, {
        what: 'slow reads to take the budget',
        timeoutMs: 120_000,
      });
      await untilHealthyContinues(running, reads);
      const errors = Array.from({ length: slowCount }, (_, at) => running.statuses(`slow-${at}`)).flatMap(
        (all) => all.flatMap(({ lastError }) => lastError?.code ?? []),
      );
      const expected = slowCount > 2 * oneBudget ? ['SlowPassEnded'] : [];
      assert.deepEqual([...new Set(errors)], expected);
    } finally {
      await running.process.stop();
      await reads.stop();
    }
  });
