import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectCoordination } from '../coordination/connect.ts';
import type { Coordination } from '../coordination/contract.ts';
import { projectFolder, startIdra } from '../e2e/kit/processes.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { until } from '../e2e/kit/wait.ts';
import { completeInBash, idra } from './test-cli.ts';

let server: EtcdServer;
let store: Coordination;
let folder: string;

before(async () => {
  server = await etcd({ members: 1 });
  store = connectCoordination({ endpoints: server.endpoints, prefix: '/idra/' });
  folder = await tempFolder('cli-etcd');
});
after(async () => {
  await store?.close();
  await server?.stop();
});

function run(...args: readonly string[]) {
  return idra(args, { IDRA_ETCD_ENDPOINTS: server.endpoints.join(',') });
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const secret = `apiVersion: v1
kind: Secret
metadata: { name: shop-db }
stringData: { password: hunter2 }
---
`;
const dataSource = (name: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  postgres: { host: db, database: ${name}, user: idra, passwordSecretRef: { name: shop-db, key: password } }
---
`;
const sync = (name: string, more = '') => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec:
  source: { dataSource: shop, table: public.${name}, idField: id }
  destination: { dataSource: warehouse, table: public.${name} }
  mode: Id
${more}---
`;
const systems = dataSource('shop') + dataSource('warehouse');

/** Simulates what an agent does with a deleted Sync. */
async function closeDeleted(name: string): Promise<void> {
  await until(async () => (await store.desired.findSync('default', name))?.deletedAt !== undefined, {
    what: 'the mark',
  });
  const stored = await store.desired.findSync('default', name);
  await store.desired.purgeSync(stored!.uid, 'agent');
}

describe('idra apply', () => {
  test('creates new objects with defaults, updates changed ones, and leaves the others', async () => {
    const path = await file('first.yaml', secret + sync('orders') + systems);
    const made = await run('apply', '-f', path);
    assert.deepEqual(
      [made.status, made.out],
      [0, 'datasource/shop created\ndatasource/warehouse created\nsync/orders created\n'],
    );
    const first = await store.desired.findSync('default', 'orders');
    assert.equal(first?.generation, 1);
    assert.deepEqual((first?.spec as { batch?: unknown } | undefined)?.batch, {
      maxRows: 50_000,
      maxBytes: '8Mi',
    });

    const again = await run('apply', '-f', path);
    assert.match(again.out, /^(.* unchanged\n){3}$/);
    assert.deepEqual(await store.desired.findSync('default', 'orders'), first);

    const changed = await file('changed.yaml', sync('orders', '  schedule: { every: 1m }\n'));
    assert.equal((await run('apply', '-f', changed, '--dry-run')).out, 'sync/orders configured (dry run)\n');
    assert.deepEqual(await store.desired.findSync('default', 'orders'), first);
    assert.equal((await run('apply', '-f', changed)).out, 'sync/orders configured\n');
    const second = await store.desired.findSync('default', 'orders');
    assert.deepEqual([second?.generation, second?.uid, second?.createdAt], [2, first?.uid, first?.createdAt]);
  });

  test('keeps secrets out of etcd, and reports where agents read them', async () => {
    const { status, err } = await run('apply', '-f', await file('secret.yaml', secret));
    assert.equal(status, 0);
    assert.match(err, /secret\/shop-db is not stored.*IDRA_SECRETS_DIR\/shop-db\/KEY/);
    assert.doesNotMatch(JSON.stringify(await store.desired.read()), /hunter2/);
  });

  test('stores nothing if anything is invalid, and names every location', async () => {
    const text =
      sync('bad').replace('dataSource: shop', 'dataSource: shp').replace('mode: Id', 'mode: Ids') +
      sync('lost').replace('dataSource: shop', 'dataSource: shp');
    const { status, out, err } = await run('apply', '-f', await file('bad.yaml', text));
    assert.deepEqual([status, out], [2, '']);
    assert.match(
      err,
      /bad\.yaml:7:3: error: spec\.mode: mode is "Ids"\n {4}did you mean Id\? Use one of Snapshot, Id/,
    );
    const lost = await run(
      'apply',
      '-f',
      await file('lost.yaml', sync('lost').replace('dataSource: shop', 'dataSource: shp')),
    );
    assert.match(
      lost.err,
      /lost\.yaml:5:13: error: spec\.source\.dataSource: there is no DataSource default\/shp\n {4}did you mean shop\?/,
    );
    const unpinned = await run(
      'apply',
      '-f',
      await file(
        'file.json',
        '{"apiVersion":"idra.dev/v1alpha1","kind":"DataSource","metadata":{"name":"f"},"spec":{"sqlite":{"path":"a"}}}',
      ),
    );
    assert.match(unpinned.err, /spec\.placement: .*pin it to the agent/s);
    assert.equal(await store.desired.findSync('default', 'bad'), undefined);
  });

  test('two concurrent applies end with one of the two, complete', async () => {
    const paths = await Promise.all(
      ['1s', '2s', '3s', '4s'].map((every) =>
        file(`${every}.yaml`, sync('race', `  schedule: { every: ${every} }\n`)),
      ),
    );
    const done = await Promise.all(paths.map((path) => run('apply', '-f', path)));
    assert.deepEqual(
      done.map((each) => each.status),
      [0, 0, 0, 0],
      done.map((each) => each.err).join(),
    );
    const stored = await store.desired.findSync('default', 'race');
    assert.equal(stored?.generation, 4);
  });
});

describe('idra get and describe', () => {
  test('print the table and stable JSON of the contract', async () => {
    const table = (await run('get', 'syncs')).out.split('\n');
    assert.equal(
      table[0]?.replace(/ +/g, ' '),
      'NAME SOURCE DESTINATION MODE STATE AGENT ROWS LAG LAST SYNC AGE',
    );
    assert.match(table[1] ?? '', /^orders +shop +warehouse +Id +Pending +0 +\ds$/);
    const { items } = JSON.parse((await run('get', 'sync', 'orders', '-o', 'json')).out);
    assert.equal(items[0].kind, 'Sync');
    assert.equal(items[0].status.state, 'Pending');
    assert.deepEqual(
      items[0].status.conditions.map((each: { type: string }) => each.type),
      ['Ready', 'Reconciling', 'Stalled'],
    );
    assert.equal((await run('get', 'ds', 'shop')).status, 2);
    assert.match(
      (await run('get', 'dsrc')).out,
      /^NAME +TYPE +READY +VERSION +SYNCS +AGE\nshop +postgres +Unknown +2 /,
    );
    assert.equal((await run('get', 'syncs', '-o', 'name')).out, 'sync/orders\nsync/race\n');
    assert.equal((await run('get', 'syncs', '-n', 'team-a')).out, 'No resources found.\n');
    assert.equal((await run('get', 'agents', '-o', 'json')).status, 0);
    const { out } = await run('describe', 'sync', 'orders');
    assert.match(out, /^Sync default\/orders: Pending: .+\n/);
    assert.match(out, /Reconciling +True +WaitingForAgent[\s\S]*\nSpec:\n {2}source:\n/);
    assert.match(out, /Offset: no manual changes/);
    assert.match((await run('describe', 'datasource', 'shop')).out, /Used by: orders, race\n/);
    const session = await store.join(
      { name: 'a1', labels: { zone: 'b' }, version: '7', instance: 'one' },
      { leaseTtlMs: 10_000 },
    );
    const agent = await run('describe', 'agent', 'a1');
    assert.match(agent.out, /^Agent a1: Ready\n[\s\S]*zone: b[\s\S]*Syncs: none/, agent.err);
    await session.leave();
    const missing = await run('describe', 'sync', 'ordrs');
    assert.deepEqual(
      [missing.status, missing.err],
      [2, 'idra: there is no Sync default/ordrs; see idra get syncs -A\n'],
    );
  });

  test('a suspended Sync stays suspended over an apply, until it is resumed', async () => {
    assert.equal((await run('suspend', 'orders')).out, 'default/orders: suspended\n');
    await run('apply', '-f', join(folder, 'changed.yaml'));
    assert.match(
      (await run('get', 'sync', 'orders', '-o', 'wide')).out,
      /Suspended .*suspended by the annotation idra\.dev\/suspend/,
    );
    assert.equal((await store.desired.findSync('default', 'orders'))?.generation, 2);
    await run('resume', 'orders');
    assert.match((await run('get', 'sync', 'orders')).out, /Pending/);
  });
});

test('idra get --watch prints the table again when it changes', async () => {
  const env = { IDRA_ETCD_ENDPOINTS: server.endpoints.join(',') };
  const watching = await startIdra(['get', 'syncs', '--watch'], { env });
  try {
    await watching.waitForLine(/race .*Pending/);
    await run('suspend', 'race');
    await watching.waitForLine(/race .*Suspended/);
  } finally {
    watching.kill('SIGKILL');
    await watching.waitForExit();
    await run('resume', 'race');
  }
});

describe('idra delete', () => {
  test('refuses a DataSource that a Sync uses', async () => {
    const { status, err } = await run('delete', 'datasource', 'shop');
    assert.equal(status, 2);
    assert.match(err, /used by (orders, race|race, orders); delete these syncs first/);
  });

  test('marks a Sync, and reports if no agent has closed it in time', async () => {
    const { status, err } = await run('delete', 'sync', 'race', '--timeout', '200ms');
    assert.equal(status, 1);
    assert.match(err, /no agent has closed it in time; it is deleted once an agent runs/);
    assert.equal((await run('delete', 'sync', 'race', '--no-wait')).status, 0);
  });

  test('a Sync that is recreated meanwhile is another Sync', async () => {
    const old = await store.desired.findSync('default', 'race');
    assert.equal((await run('apply', '-f', join(folder, '1s.yaml'))).out, 'sync/race created\n');
    const made = await store.desired.findSync('default', 'race');
    assert.notEqual(made?.uid, old?.uid);
    assert.equal(made?.generation, 1);
    await store.desired.purgeSync(old!.uid, 'operator');
    assert.equal((await store.desired.findSync('default', 'race'))?.uid, made?.uid);
  });

  test('waits until an agent has closed the Syncs, then deletes the DataSources', async () => {
    const path = await file('all.yaml', systems + sync('orders') + sync('race'));
    const [{ status, out }] = await Promise.all([
      run('delete', '-f', path),
      closeDeleted('orders'),
      closeDeleted('race'),
    ]);
    assert.deepEqual(
      [status, out],
      [0, 'sync/orders deleted\nsync/race deleted\ndatasource/shop deleted\ndatasource/warehouse deleted\n'],
    );
    assert.deepEqual(await store.desired.read(), { syncs: [], dataSources: [] });
    assert.equal((await run('delete', '-f', path)).status, 2);
    assert.equal((await run('delete', '-f', path, '--ignore-not-found')).status, 0);
  });
});

test('an etcd that does not answer is reported with status 3', async () => {
  const { status, err } = await idra(['get', 'syncs'], { IDRA_ETCD_ENDPOINTS: 'http://127.0.0.1:1' });
  assert.equal(status, 3);
  assert.match(err, /etcd/);
});

test('completion offers the names in etcd, and nothing if etcd does not answer', async (t) => {
  await run('apply', '-f', await file('completed.yaml', secret + sync('completed') + systems));
  // The time limit of a completion ends the process.
  t.mock.method(process, 'exit', () => {});
  const { out } = await run('complete-names', 'name', '--', 'get', 'syncs');
  assert.ok(out.split('\n').includes('completed'), out);
  const env = {
    ...process.env,
    PATH: `${projectFolder}/bin:${process.env.PATH}`,
    IDRA_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
  };
  const unreachable = await completeInBash(['idra', 'get', 'syncs', 'comp'], { env });
  assert.deepEqual(unreachable, { offers: '', stderr: '' });
});
