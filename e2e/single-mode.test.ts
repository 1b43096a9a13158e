import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { projectFolder, runCommand } from './kit/processes.ts';
import { postgres } from './kit/servers.ts';
import { byId, byTime, dataSource, ends, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';

let folder: ShopFolder;
beforeEach(async () => {
  folder = await ShopFolder.make();
});
afterEach(async () => {
  await folder.remove();
});

test('the first run: rows, the table of kubectl get syncs, exit status 0; the second finds nothing new', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync(byTime));
  const first = await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(first.code, 0, first.stderr);
  const [heads = '', row = ''] = first.stdout.trimEnd().split('\n');
  assert.match(heads, /^NAME +SOURCE +DESTINATION +MODE +STATE +AGENT +ROWS +LAG +LAST SYNC +AGE$/);
  assert.match(row, /^orders +shop +warehouse +Timestamp +Waiting +local +3 +0s +\d+s +\d+s$/);
  assert.match(
    first.stderr,
    /^orders +Running .*\norders +Waiting +3 rows +caught up; waiting for the next pass$/m,
  );
  assert.deepEqual(folder.arrived(), folder.query('shop.db', 'SELECT id, v FROM orders'));
  assert.equal((await folder.idra('plan', '-f', 'shop.yaml')).code, 0);
  folder.execute('shop.db', "INSERT INTO orders (v, at) VALUES ('d', '2026-01-03 08:00:00')");
  assert.equal((await folder.idra('plan', '-f', 'shop.yaml')).code, 1);
  assert.match(
    (await folder.idra('run', '-f', 'shop.yaml', '--once')).stdout,
    /^orders .* Waiting +local +4 /m,
  );
});

test('a folder, JSON among YAML, one sync of several, a state file elsewhere', async () => {
  folder.execute('shop.db', shop);
  await mkdir(join(folder.path, 'manifests'));
  await folder.manifests(ends, 'manifests/systems.yml');
  await folder.manifests(
    sync({ ...byTime, destination: { dataSource: 'warehouse', table: 'other' } }, 'other'),
    'manifests/other.yaml',
  );
  const json = {
    apiVersion: 'idra.dev/v1alpha1',
    kind: 'Sync',
    metadata: { name: 'orders' },
    spec: { ...byId, destination: { dataSource: 'warehouse', table: 'orders' } },
  };
  await folder.manifests(JSON.stringify(json), 'manifests/orders.json');
  await folder.manifests('no manifest', 'manifests/notes.txt');
  const some = await folder.idra(
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
  assert.equal(existsSync(join(folder.path, '.idra')), false);
  assert.deepEqual(folder.arrived().length, 3);
  const all = await folder.idra('run', '-f', 'manifests/', '--once', '--state', 'elsewhere/state.db');
  assert.equal(all.code, 0, all.stderr);
  assert.match(all.stdout, /^orders .* 3 .*\nother .* 3 |^other .* 3 .*\norders .* 3 /m);
  const wrong = await folder.idra('run', '-f', 'manifests', '--only', 'order');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean orders\?/);
});

test('a password from the environment reaches the system and is never printed', async () => {
  const server = await postgres();
  try {
    const { host, port, database, user, password } = await server.createDatabase();
    const cwd = folder.path;
    folder.execute('shop.db', shop);
    await folder.manifests(`${dataSource('shop')}apiVersion: idra.dev/v1alpha1
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

test('--once does not wait for rows that are held back: it reports by what, and succeeds', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync(byTime));
  const writer = folder.open('shop.db');
  try {
    writer.exec("BEGIN IMMEDIATE; INSERT INTO orders (v, at) VALUES ('late', '2026-01-02 08:00:00')");
    const { code, stderr } = await folder.idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^orders: newer rows are held back until they are final, by a transaction that is writing to .*shop\.db, since /m,
    );
    assert.equal(folder.countArrived(), 2);
    await folder.manifests(ends + sync({ ...byTime, schedule: { once: true } }));
    const wantedOnce = await folder.idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(wantedOnce.code, 1, 'a Sync with schedule once is not complete');
    assert.match(wantedOnce.stdout, /^orders .* Waiting +local +2 +[1-9]/m);
    writer.exec('COMMIT');
  } finally {
    writer.close();
  }
  assert.equal((await folder.idra('run', '-f', 'shop.yaml', '--once')).code, 0);
  assert.deepEqual(folder.arrived(), folder.query('shop.db', 'SELECT id, v FROM orders'));
});

test('one that fails blocks no other, and the exit status reports it', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(
    ends + sync(byId) + sync({ ...byId, source: { ...byId.source, table: 'none' } }, 'broken'),
  );
  const { code, stdout, stderr } = await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(code, 1);
  assert.match(stdout, /^broken .* Failed /m);
  assert.match(stdout, /^orders .* Waiting +local +3 /m);
  assert.match(
    stderr,
    /^broken: TableNotFound: spec\.source\.table: .*shop\.db has no table or view none; /m,
  );
});

test('an offset is read and set manually while the Sync is suspended in its manifest', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync(byId));
  await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await folder.idra('offset', 'get', 'orders')).stdout, '3\n');
  const set = () => folder.idra('offset', 'set', 'orders', '1', '--expect', '3');
  assert.equal((await set()).code, 0);
  await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await folder.idra('offset', 'get', 'orders')).stdout, '3\n', 'it was not suspended');
  await folder.manifests(ends + sync({ ...byId, suspend: true }));
  await set();
  await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal((await folder.idra('offset', 'get', 'orders')).stdout, '1\n');
  assert.match((await folder.idra('offset', 'history', 'orders')).stdout, / set +3 +1\n/);
});

test('--progress json: one event per line and exactly one end; none: only the table', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync(byId));
  const { stdout, stderr } = await folder.idra('run', '-f', 'shop.yaml', '--once', '--progress', 'json');
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; sync?: string; syncs?: { state: string }[] });
  assert.deepEqual(events.filter((each) => each.event === 'end').length, 1);
  assert.equal(events.at(-1)?.syncs?.[0]?.state, 'Waiting');
  assert.ok(events.every((each) => each.event === 'end' || each.sync === 'default/orders'));
  assert.doesNotMatch(stderr, /rows/);
  const quiet = await folder.idra('run', '-f', 'shop.yaml', '--once', '--progress', 'none');
  assert.match(quiet.stdout, /^NAME /);
  assert.equal(quiet.stderr.replace(/^orders: warning.*\n/gm, ''), '');
  assert.equal((await folder.idra('run', '-f', 'shop.yaml', '--progress', 'loud')).code, 2);
});

test('the sample manifests of the docs are valid', async () => {
  const text = await readFile(join(projectFolder, 'docs/single-mode.md'), 'utf8');
  await folder.manifests(/```yaml\n(.*?)```/s.exec(text)?.[1] ?? '');
  // Valid; only its server is missing.
  const { code, stderr } = await folder.idra('check', '-f', 'shop.yaml');
  assert.equal(code, 1, stderr);
});
