import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import {
  type CommandResult,
  projectFolder,
  type RunningProcess,
  runCommand,
  startIdra,
} from './kit/processes.ts';
import { postgres } from './kit/servers.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** `idra run` as somebody uses it who has just met it: two files of SQLite, some manifests, and a terminal. */
let folder: string;
const processes: RunningProcess[] = [];

beforeEach(async () => {
  folder = await tempFolder('single-mode');
});
afterEach(async () => {
  for (const each of processes.splice(0)) await each.stop();
  await removeFolder(folder);
});

function open(name: string): Database.Database {
  const database = new Database(join(folder, name));
  database.pragma('journal_mode = WAL');
  return database;
}
function execute(name: string, sql: string): void {
  const database = open(name);
  database.exec(sql);
  database.close();
}
function query(name: string, sql: string): unknown[][] {
  const database = open(name);
  try {
    return database.prepare(sql).raw().all() as unknown[][];
  } finally {
    database.close();
  }
}
const arrived = () => query('warehouse.db', 'SELECT id, v FROM orders ORDER BY id');
const countArrived = () => {
  try {
    return Number(query('warehouse.db', 'SELECT count(*) FROM orders')[0]?.[0]);
  } catch {
    return 0;
  }
};

const shop = `CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, at DATETIME);
  INSERT INTO orders (v, at) VALUES ('a', '2026-01-01 08:00:00'), ('b', '2026-01-01 08:00:00'), ('c', '2026-01-02 08:00:00');`;
const manyRows = `INSERT INTO orders (v, at) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, '2026-01-01 08:00:00' FROM n`;

const dataSource = (name: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  sqlite: { path: ${name}.db }
---
`;
const sync = (spec: object, name = 'orders') => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec: ${JSON.stringify({ destination: { dataSource: 'warehouse', table: 'orders' }, ...spec })}
---
`;
const byId = { source: { dataSource: 'shop', table: 'orders', idField: 'id' }, mode: 'Id' };
const byTime = { source: { dataSource: 'shop', table: 'orders', timestampField: 'at' }, mode: 'Timestamp' };
const byKey = {
  source: { dataSource: 'shop', table: 'orders' },
  mode: 'Snapshot',
  schedule: { once: true },
  batch: { maxRows: 100 },
};
const ends = dataSource('shop') + dataSource('warehouse');

async function manifests(text: string, file = 'shop.yaml'): Promise<void> {
  await writeFile(join(folder, file), text);
}
async function idra(...args: readonly string[]): Promise<CommandResult> {
  return await runCommand(`${projectFolder}/bin/idra`, args, { cwd: folder, timeoutMs: 60_000 });
}
async function start(...args: readonly string[]): Promise<RunningProcess> {
  const running = await startIdra(['run', '-f', 'shop.yaml', ...args], { cwd: folder });
  processes.push(running);
  return running;
}

test('the first run: rows, the table of kubectl get syncs, exit status 0; the second finds nothing new', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byTime));
  const first = await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(first.code, 0, first.stderr);
  const [heads = '', row = ''] = first.stdout.trimEnd().split('\n');
  assert.match(heads, /^NAME +SOURCE +DESTINATION +MODE +STATE +AGENT +ROWS +LAG +LAST SYNC +AGE$/);
  assert.match(row, /^orders +shop +warehouse +Timestamp +Waiting +local +3 +0s +\d+s +\d+s$/);
  assert.match(
    first.stderr,
    /^orders +Running .*\norders +Waiting +3 rows +caught up; waiting for the next pass$/m,
  );
  assert.deepEqual(arrived(), query('shop.db', 'SELECT id, v FROM orders'));
  assert.equal((await idra('plan', '-f', 'shop.yaml')).code, 0);
  execute('shop.db', "INSERT INTO orders (v, at) VALUES ('d', '2026-01-03 08:00:00')");
  assert.equal((await idra('plan', '-f', 'shop.yaml')).code, 1);
  assert.match((await idra('run', '-f', 'shop.yaml', '--once')).stdout, /^orders .* Waiting +local +4 /m);
});

test('a folder, JSON among YAML, one sync of several, a state file elsewhere', async () => {
  execute('shop.db', shop);
  await mkdir(join(folder, 'manifests'));
  await manifests(ends, 'manifests/systems.yml');
  await manifests(
    sync({ ...byTime, destination: { dataSource: 'warehouse', table: 'other' } }, 'other'),
    'manifests/other.yaml',
  );
  const json = {
    apiVersion: 'idra.dev/v1alpha1',
    kind: 'Sync',
    metadata: { name: 'orders' },
    spec: { ...byId, destination: { dataSource: 'warehouse', table: 'orders' } },
  };
  await manifests(JSON.stringify(json), 'manifests/orders.json');
  await manifests('no manifest', 'manifests/notes.txt');
  const some = await idra(
    'run',
    '-f',
    'manifests',
    '--once',
    '--only',
    'orders',
    '--state',
    'elsewhere/state.db',
  );
  assert.equal(some.code, 0, some.stderr);
  assert.doesNotMatch(some.stdout, /^other /m);
  assert.equal(existsSync(join(folder, '.idra')), false);
  assert.deepEqual(arrived().length, 3);
  const all = await idra('run', '-f', 'manifests/', '--once', '--state', 'elsewhere/state.db');
  assert.equal(all.code, 0, all.stderr);
  assert.match(all.stdout, /^orders .* 3 .*\nother .* 3 |^other .* 3 .*\norders .* 3 /m);
  const wrong = await idra('run', '-f', 'manifests', '--only', 'order');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean orders\?/);
});

test('a password from the environment reaches the system and nothing that is printed', async () => {
  const server = await postgres();
  try {
    const { host, port, database, user, password } = await server.createDatabase();
    const cwd = folder;
    execute('shop.db', shop);
    await manifests(`${dataSource('shop')}apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: warehouse }
spec:
  postgres: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ware-house, key: pass.word } }
---
${sync({ ...byId, destination: { dataSource: 'warehouse', table: 'public.orders' } })}`);
    const run = (env: Record<string, string>) =>
      runCommand(`${projectFolder}/bin/idra`, ['run', '-f', 'shop.yaml', '--once'], { cwd, env });
    const without = await run({});
    assert.equal(without.code, 2);
    assert.match(
      without.stderr,
      /shop\.yaml:\d+:\d+: error: .*ware-house.*\n.*IDRA_SECRET_WARE_HOUSE__PASS_WORD/,
    );
    const given = await run({ IDRA_SECRET_WARE_HOUSE__PASS_WORD: password });
    assert.equal(given.code, 0, given.stderr);
    assert.match(given.stdout, /^orders .* 3 /m);
    const wrong = await run({ IDRA_SECRET_WARE_HOUSE__PASS_WORD: 'not-the-password' });
    assert.equal(wrong.code, 1);
    assert.doesNotMatch(
      given.stderr + wrong.stderr + wrong.stdout,
      new RegExp(`${password}|not-the-password`),
    );
  } finally {
    await server.stop();
  }
});

test('--once does not wait for rows that are held back: it says by what, and ends well', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byTime));
  const writer = open('shop.db');
  try {
    writer.exec("BEGIN IMMEDIATE; INSERT INTO orders (v, at) VALUES ('late', '2026-01-02 08:00:00')");
    const { code, stderr } = await idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^orders: newer rows are held back until they are final, by a transaction that is writing to .*shop\.db, since /m,
    );
    assert.equal(countArrived(), 2);
    await manifests(ends + sync({ ...byTime, schedule: { once: true } }));
    const wantedOnce = await idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(wantedOnce.code, 1, 'what is wanted once is not complete');
    assert.match(wantedOnce.stdout, /^orders .* Waiting +local +2 +[1-9]/m);
    writer.exec('COMMIT');
  } finally {
    writer.close();
  }
  assert.equal((await idra('run', '-f', 'shop.yaml', '--once')).code, 0);
  assert.deepEqual(arrived(), query('shop.db', 'SELECT id, v FROM orders'));
});

test('one that fails holds up no other, and the exit status tells', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byId) + sync({ ...byId, source: { ...byId.source, table: 'none' } }, 'broken'));
  const { code, stdout, stderr } = await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(code, 1);
  assert.match(stdout, /^broken .* Failed /m);
  assert.match(stdout, /^orders .* Waiting +local +3 /m);
  assert.match(
    stderr,
    /^broken: TableNotFound: spec\.source\.table: .*shop\.db has no table or view none; /m,
  );
});

test('a state file is of one process: the second is told whose it is', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byId));
  const running = await start();
  await running.waitForLine(/caught up/);
  for (const args of [
    ['run', '-f', 'shop.yaml'],
    ['offset', 'get', 'orders'],
  ]) {
    const { code, stderr } = await idra(...args);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`in use by process ${running.pid}.*--state`));
  }
  running.kill('SIGKILL');
  await running.waitForExit();
  assert.equal((await idra('run', '-f', 'shop.yaml', '--once')).code, 0);
});

for (const way of ['keep-offset', 'restart']) {
  test(`a lost state file: the run stops, and goes on by ${way}`, async () => {
    execute('shop.db', shop);
    await manifests(ends + sync({ ...byId, writeMode: 'Upsert' }));
    await idra('run', '-f', 'shop.yaml', '--once');
    await rm(join(folder, '.idra'), { recursive: true });
    execute('shop.db', "UPDATE orders SET v = 'changed' WHERE id = 1; INSERT INTO orders (v) VALUES ('d')");
    const stopped = await idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(stopped.code, 1);
    assert.match(stopped.stderr, /^orders: OffsetNoLongerFits: .*restart .*keep-offset /m);
    assert.equal(countArrived(), 3);
    const asked = await idra(way, 'orders', ...(way === 'restart' ? ['--yes'] : []));
    assert.equal(asked.code, 0, asked.stderr);
    const { code, stdout, stderr } = await idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(code, 0, stderr);
    assert.equal(arrived()[0]?.[1], way === 'restart' ? 'changed' : 'a');
    assert.match(stdout, / 4 +0s /);
    assert.equal(countArrived(), 4);
  });
}

test('an offset is seen and set by hand while the Sync is suspended in its manifest', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byId));
  await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await idra('offset', 'get', 'orders')).stdout, '3\n');
  const set = () => idra('offset', 'set', 'orders', '1', '--expect', '3');
  assert.equal((await set()).code, 0);
  await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await idra('offset', 'get', 'orders')).stdout, '3\n', 'it was not suspended');
  await manifests(ends + sync({ ...byId, suspend: true }));
  await set();
  await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await idra('offset', 'get', 'orders')).stdout, '1\n');
  assert.match((await idra('offset', 'history', 'orders')).stdout, / set +3 +1\n/);
});

test('Ctrl-C stops at a batch edge with the table, and the next start goes on from there', async () => {
  execute('shop.db', shop + manyRows);
  await manifests(ends + sync({ ...byKey, writeMode: 'Append' }));
  const running = await start();
  await until(() => countArrived() > 500, { what: 'some batches', everyMs: 5 });
  running.kill('SIGINT');
  assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
  const written = countArrived();
  assert.ok(written < 20_003, 'it was stopped too late to say anything');
  assert.equal(written % 100, 0);
  assert.match(running.stdout.join('\n'), new RegExp(`^orders .* ${written} `, 'm'));
  assert.match(running.stderr.join('\n'), /stopping at the next batch edge/);
  const rest = await idra('run', '-f', 'shop.yaml', '--once');
  assert.match(rest.stdout, /^orders .* Completed +local +20003 /m);
  assert.deepEqual(arrived(), query('shop.db', 'SELECT id, v FROM orders'));
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`a second ${signal} leaves at once with ${status}; nothing of the batch is there`, async () => {
    execute('shop.db', shop);
    await manifests(ends + sync({ ...byId, schedule: { every: '1s' } }));
    const running = await start('--progress', 'json');
    await running.waitForLine('"reason":"CaughtUp"');
    const blocker = open('warehouse.db');
    try {
      blocker.exec('BEGIN IMMEDIATE');
      execute('shop.db', "INSERT INTO orders (v) VALUES ('d')");
      await until(() => /"CaughtUp".*"MovingRows"/s.test(running.stdout.join('\n')), {
        what: 'a second pass to have a batch in hand',
      });
      running.kill(signal);
      await running.waitForLine('stopping at the next batch edge');
      running.kill(signal);
      assert.deepEqual(await running.waitForExit(), { code: status, signal: null });
      blocker.exec('COMMIT');
    } finally {
      blocker.close();
    }
    assert.equal(countArrived(), 3);
    assert.equal((await idra('run', '-f', 'shop.yaml', '--once')).code, 0);
    assert.equal(countArrived(), 4);
  });
}

test('SIGKILL at any moment: the next start goes on, each row once', async () => {
  execute('shop.db', shop + manyRows);
  await manifests(ends + sync({ ...byKey, writeMode: 'Append', batch: { maxRows: 1_000 } }));
  for (const rows of [1, 5_000, 12_000]) {
    const running = await start();
    await until(() => countArrived() >= rows, { what: `${rows} rows`, everyMs: 5 });
    running.kill('SIGKILL');
    await running.waitForExit();
  }
  const { code, stdout } = await idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(code, 0);
  assert.match(stdout, /^orders .* Completed +local +20003 /m);
  assert.deepEqual(arrived(), query('shop.db', 'SELECT id, v FROM orders'));
});

test('--progress json: one event a line and exactly one end; none: the table alone', async () => {
  execute('shop.db', shop);
  await manifests(ends + sync(byId));
  const { stdout, stderr } = await idra('run', '-f', 'shop.yaml', '--once', '--progress', 'json');
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; sync?: string; syncs?: { state: string }[] });
  assert.deepEqual(events.filter((each) => each.event === 'end').length, 1);
  assert.equal(events.at(-1)?.syncs?.[0]?.state, 'Waiting');
  assert.ok(events.every((each) => each.event === 'end' || each.sync === 'default/orders'));
  assert.doesNotMatch(stderr, /rows/);
  const quiet = await idra('run', '-f', 'shop.yaml', '--once', '--progress', 'none');
  assert.match(quiet.stdout, /^NAME /);
  assert.equal(quiet.stderr.replace(/^orders: warning.*\n/gm, ''), '');
  assert.equal((await idra('run', '-f', 'shop.yaml', '--progress', 'loud')).code, 2);
});

test('the sample manifests of the docs are valid', async () => {
  const text = await readFile(join(projectFolder, 'docs/single-mode.md'), 'utf8');
  await manifests(/```yaml\n(.*?)```/s.exec(text)?.[1] ?? '');
  // Valid, and only its server is not there.
  const { code, stderr } = await idra('check', '-f', 'shop.yaml');
  assert.equal(code, 1, stderr);
});
