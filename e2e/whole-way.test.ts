import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectCoordination } from '../coordination/connect.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { Installation, team } from './whole-way/installation.ts';

const heads = ['NAME', 'SOURCE', 'DESTINATION', 'MODE', 'STATE', 'AGENT', 'ROWS', 'LAG', 'LAST SYNC', 'AGE'];
const onFiles = 'idra-agent-0';

/** From `kubectl apply` to rows at the destination: a real API server, etcd and databases; operator and agents as processes. */
describe('from kubectl to rows', () => {
  let idra: Installation;
  let systems: TestSystems;
  let shop: TestDatabase;
  /** By the name of the DataSource, which is also that of the single Sync into it. */
  let destinations: Record<'warehouse' | 'archive' | 'file', TestDatabase>;

  before(async () => {
    const root = await tempFolder('whole-way');
    await mkdir(join(root, team));
    systems = new TestSystems(join(root, team));
    [idra, shop] = await Promise.all([Installation.start(), systems.createDatabase('postgres')]);
    destinations = {
      warehouse: await systems.createDatabase('postgres'),
      archive: await systems.createDatabase('mariadb'),
      file: await systems.createDatabase('sqlite'),
    };
    await shop.execute(
      'CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint NOT NULL, note text, updated_at timestamptz NOT NULL DEFAULT now())',
      'INSERT INTO orders (amount, note) SELECT i * 7, md5(i::text) FROM generate_series(1, 3000) i',
    );
    await Promise.all([
      idra.agent(onFiles, 'disk=files', root),
      idra.agent('idra-agent-1'),
      idra.agent('idra-agent-2'),
    ]);
  });
  after(async () => {
    await idra?.stop();
    await systems?.stop();
  });

  const sync = (name: keyof typeof destinations, more = '') => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec:
  source: { dataSource: shop, table: public.orders, timestampField: updated_at }
  destination: { dataSource: ${name}, table: ${destinations[name].tableName('orders')} }
  mode: Timestamp
  schedule: { every: 500ms }
${more}
---
`;
  const isEqual = async (name: keyof typeof destinations) => {
    const sql = 'SELECT id, amount, note FROM orders ORDER BY id';
    const [wanted, found] = await Promise.all([
      shop.rows(sql),
      destinations[name].rows(sql).catch(() => undefined),
    ]);
    return JSON.stringify(wanted) === JSON.stringify(found);
  };
  const untilEqual = (...names: readonly (keyof typeof destinations)[]) =>
    until(async () => (await Promise.all(names.map(isEqual))).every(Boolean), {
      what: `${names.join(', ')} to be equal`,
      timeoutMs: 60_000,
      everyMs: 200,
    });
  const touch = () =>
    shop.execute(
      'INSERT INTO orders (amount, note) SELECT i, md5(i::text) FROM generate_series(1, 100) i',
      'UPDATE orders SET amount = amount + 1, updated_at = now() WHERE id % 10 = 0',
    );
  const table = async () => {
    const [head = '', ...lines] = (await idra.kubectl(['get', 'syncs'])).trimEnd().split('\n');
    // AGE is contained in AGENT, so each column is searched for after the one before.
    const starts: number[] = [];
    for (const each of heads) starts.push(head.indexOf(each, (starts.at(-1) ?? -1) + 1));
    const cellsOf = (line: string) =>
      starts.map((start, index) => line.slice(start, starts[index + 1] ?? line.length).trim());
    return [head, ...lines].map(cellsOf);
  };
  const rowOf = async (name: string) =>
    Object.fromEntries(
      (await table()).find(([first]) => first === name)?.map((cell, index) => [heads[index], cell]) ?? [],
    );

  test('kubectl apply, and the rows arrive', async () => {
    const manifests = [
      shop.manifest('shop'),
      destinations.warehouse.manifest('warehouse'),
      destinations.archive.manifest('archive'),
      destinations.file
        .manifest('file')
        .replace('spec:\n', 'spec:\n  placement: { agentSelector: { disk: files } }\n'),
      sync('warehouse'),
      sync('archive'),
      sync('file'),
    ];
    await idra.apply(manifests.join(''));
    await untilEqual('warehouse', 'archive', 'file');
    await idra.kubectl(['wait', '--for=condition=Ready', 'sync', '--all', '--timeout=30s']);
    await touch();
    await untilEqual('warehouse', 'archive', 'file');
  });

  test('kubectl get syncs shows the true state in the columns of the contract', async () => {
    // The updated rows count once or twice, depending on whether a pass ran between the two statements.
    const written = await idra.untilField('sync/warehouse', '.status.rows.written', /^34\d\d$/);
    await idra.untilField('sync/warehouse', '.status.state', 'Waiting');
    await idra.untilField('sync/warehouse', '.status.lag', '0s');
    const [head, ...rows] = await table();
    assert.deepEqual(head, heads);
    assert.deepEqual(
      rows.map(([name]) => name),
      ['archive', 'file', 'warehouse'],
    );
    const row = await rowOf('warehouse');
    assert.deepEqual(
      [row.SOURCE, row.DESTINATION, row.MODE, row.STATE, row.ROWS, row.LAG],
      ['shop', 'warehouse', 'Timestamp', 'Waiting', written, '0s'],
    );
    assert.match(row.AGENT ?? '', /^idra-agent-\d$/);
    assert.match(row['LAST SYNC'] ?? '', /^\d+[sm]/);
    assert.match(row.AGE ?? '', /^\d+[sm]/);
    assert.equal((await rowOf('file')).AGENT, onFiles);
    assert.match(await idra.kubectl(['get', 'syncs', '-o', 'wide']), /OFFSET +RATE +MESSAGE/);
    assert.equal(await idra.untilField('sync/warehouse', '.status.guarantee', 'ExactlyOnce'), 'ExactlyOnce');
  });

  test('the data sources are reachable, with their versions; a missing Secret is reported where it is missing', async () => {
    await idra.kubectl(['wait', '--for=condition=Ready', 'datasource', '--all', '--timeout=30s']);
    const lists = await idra.kubectl(['get', 'datasources']);
    assert.match(lists, /shop .*PostgreSQL/);
    const manifest =
      shop.manifest('lost').split('---\n')[1]?.replace('name: lost, key', 'name: nowhere, key') ?? '';
    await idra.apply(manifest);
    const message = await idra.untilField(
      'datasource/lost',
      ".status.conditions[?(@.type=='Ready')].message",
      /nowhere/,
    );
    assert.match(message, /there is no Secret team-a\/nowhere/);
    await idra.kubectl(['delete', 'datasource', 'lost', '--timeout=30s']);
  });

  test('a change of spec is applied, and only a valid one is accepted', async () => {
    await idra.apply(sync('warehouse', '  batch: { maxRows: 10 }'));
    await idra.untilField('sync/warehouse', '.status.observedGeneration', '2');
    await touch();
    await untilEqual('warehouse');
    await assert.rejects(idra.apply(sync('warehouse', '  batch: { maxRows: none }')), /maxRows/);
  });

  test('suspended nothing moves; resumed it continues', async () => {
    await idra.kubectl(['patch', 'sync', 'warehouse', '--type=merge', '-p', '{"spec":{"suspend":true}}']);
    await idra.untilField('sync/warehouse', '.status.state', 'Suspended');
    const etcd = connectCoordination(idra.store);
    const uid = await idra.kubectl(['get', 'sync', 'warehouse', '-o', 'jsonpath={.metadata.uid}']);
    await until(async () => !(await etcd.cluster.locks()).some((lock) => lock.uid === uid), {
      what: 'its lock to be released',
    });
    await etcd.close();
    await touch();
    await untilEqual('archive');
    assert.equal(await isEqual('warehouse'), false);
    await idra.kubectl(['patch', 'sync', 'warehouse', '--type=merge', '-p', '{"spec":{"suspend":false}}']);
    await untilEqual('warehouse');
    await idra.kubectl(['annotate', 'sync', 'warehouse', 'idra.dev/run-now=first']);
    await idra.untilField('sync/warehouse', '.status.requests[0].state', 'Done');
  });

  test('an agent is added and one removed, while rows keep arriving', async () => {
    await idra.agent('idra-agent-3');
    const leaving = idra.agents.get('idra-agent-1');
    assert.ok(leaving);
    leaving.kill('SIGTERM');
    await touch();
    assert.deepEqual(await leaving.waitForExit(), { code: 0, signal: null });
    await touch();
    await untilEqual('warehouse', 'archive', 'file');
    await until(
      async () => (await table()).slice(1).every((cells) => cells[5] !== 'idra-agent-1' && cells[5] !== ''),
      {
        what: 'every sync to be elsewhere',
      },
    );
  });

  test('deleted: the commit row is closed, and nothing is left', async () => {
    const uid = await idra.kubectl(['get', 'sync', 'archive', '-o', 'jsonpath={.metadata.uid}']);
    await idra.kubectl(['delete', 'sync', 'archive', '--timeout=60s']);
    const etcd = connectCoordination(idra.store);
    assert.equal(await etcd.desired.getSync(uid), undefined);
    assert.equal(await etcd.reports.readStatus(uid), undefined);
    await etcd.close();
    assert.deepEqual(
      await destinations.archive.rows(`SELECT closed FROM _idra_commits WHERE uid = '${uid}'`),
      [['1']],
    );
    assert.ok(await isEqual('warehouse'));
  });
});
