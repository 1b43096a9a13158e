import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ShopWriters } from './exactly-once/writers.ts';
import { installLedger, onDatabase, proveLedger, readLedger, rowLines } from './kit/ledger.ts';
import { projectFolder, type RunningProcess, runOrFail, startIdra } from './kit/processes.ts';
import { type PostgresDatabase, type PostgresServer, postgres } from './kit/servers.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/**
 * SIGKILL at random instants of single mode, while writers insert (out of order too) and update: Id with Append, Timestamp with Upsert,
 * and Snapshot of a table at rest. At the end both sides are equal, row by row, and the ledger proves that nothing was written twice.
 */
const kills = 40;
const restRows = 60_000;

let server: PostgresServer;
let source: PostgresDatabase;
let destination: PostgresDatabase;
let folder: string;

before(async () => {
  server = await postgres();
  source = await server.createDatabase();
  destination = await server.createDatabase();
  await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
  folder = await tempFolder('exactly-once');
  await onDatabase(source.url, (client) =>
    client.query(`
      CREATE TABLE events (id bigint PRIMARY KEY, body text NOT NULL);
      CREATE SEQUENCE event_ids;
      CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, note text, updated_at timestamptz NOT NULL);
      CREATE INDEX ON orders (updated_at, id);
      CREATE TABLE rest AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, ${restRows}) i;
      ALTER TABLE rest ADD PRIMARY KEY (id);`),
  );
  await writeFile(join(folder, 'syncs.yaml'), manifests());
});

after(async () => {
  await server?.stop();
});

test(`${kills} SIGKILLs at random instants lose nothing and double nothing`, async () => {
  await runOrFail(`${projectFolder}/bin/idra`, [...run(), '--once', '--only', 'events'], { cwd: folder });
  await installLedger(destination.url);
  const writers = new ShopWriters(source.url);
  await writers.start();
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  try {
    for (let kill = 0; kill < kills; kill++) await runUntilKilled(random);
  } finally {
    await writers.stop();
  }
  await runOrFail(`${projectFolder}/bin/idra`, [...run(), '--once'], { cwd: folder, timeoutMs: 120_000 });
  for (const [table, columns] of [
    ['events', 'id, body'],
    ['orders', 'id, amount, note, updated_at'],
    ['rest', 'id, body'],
  ] as const) {
    const sql = `SELECT ${columns} FROM ${table} ORDER BY id`;
    const [wanted, found] = await Promise.all([rowLines(source.url, sql), rowLines(destination.url, sql)]);
    assert.ok(wanted.length > 0);
    assert.deepEqual(found, wanted, `${table} (seed ${seed})`);
  }
  const ledger = await readLedger(destination.url);
  const proof = proveLedger(ledger, (one, other) =>
    BigInt(one) < BigInt(other) ? -1 : BigInt(one) > BigInt(other) ? 1 : 0,
  );
  assert.ok(proof.commits > kills / 2, `only ${proof.commits} commits were seen: the test does not bite`);
  const rowsOf = (name: string) => ledger.findLast((entry) => entry.name === `default/${name}`)?.rows;
  const [events] = await rowLines(source.url, 'SELECT count(*) FROM events');
  assert.equal(JSON.stringify([String(rowsOf('events'))]), events, 'each event was written once');
  assert.equal(rowsOf('rest'), restRows, 'each row of the snapshot was written once');
});

async function runUntilKilled(random: () => number): Promise<void> {
  const running: RunningProcess = await startIdra(run(), { cwd: folder });
  const before = await countCommits();
  // Some die while starting, most after a commit or a few more.
  if (random() < 0.8) {
    await until(async () => (await countCommits()) > before || running.exit !== undefined, {
      what: 'a commit',
      timeoutMs: 60_000,
    });
  }
  await new Promise((resolve) => setTimeout(resolve, random() * 400));
  running.kill('SIGKILL');
  await running.waitForExit();
}

async function countCommits(): Promise<number> {
  return (
    (await onDatabase(destination.url, (client) => client.query('SELECT count(*) AS n FROM ledger'))).rows[0]
      .n * 1
  );
}

function run(): string[] {
  return ['run', '-f', 'syncs.yaml', '--progress', 'json'];
}

/** mulberry32, by Tommy Ettinger, public domain. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function manifests(): string {
  const system = ({ host, port, database, user }: PostgresDatabase, name: string) => `
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { password: "${name === 'source' ? source.password : destination.password}" }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  postgres: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ${name}, key: password } }
---`;
  const sync = (name: string, fields: string, more: string) => `
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec:
  source: { dataSource: source, table: public.${name}${fields} }
  destination: { dataSource: destination, table: public.${name} }
  batch: { maxRows: 500 }
  ${more}
---`;
  return [
    system(source, 'source'),
    system(destination, 'destination'),
    sync('events', ', idField: id', 'mode: Id\n  writeMode: Append\n  schedule: { continuous: true }'),
    sync('orders', ', timestampField: updated_at', 'mode: Timestamp\n  schedule: { continuous: true }'),
    sync('rest', '', 'mode: Snapshot\n  schedule: { once: true }'),
  ].join('');
}
