import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AgentCluster } from './kit/agents.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

const sync = `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: orders }
spec:
  source: { dataSource: shop, table: public.orders, idField: id }
  destination: { dataSource: warehouse, table: public.orders }
  mode: Id
  schedule: { continuous: true }
`;

/** Agents as processes whose list of namespaces was narrowed, while etcd still has a Sync outside of it. */
describe('agents and a namespace that they no longer watch', () => {
  let cluster: AgentCluster;
  let systems: TestSystems;
  let source: TestDatabase;
  let destination: TestDatabase;
  before(async () => {
    systems = new TestSystems(await tempFolder('unwatched'));
    cluster = await AgentCluster.start();
    source = await systems.createDatabase('postgres');
    destination = await systems.createDatabase('postgres');
    await source.execute('CREATE TABLE orders (id int PRIMARY KEY)', 'INSERT INTO orders VALUES (1)');
    await cluster.put(`${source.manifest('shop')}${destination.manifest('warehouse')}${sync}`);
  });
  after(async () => {
    await cluster?.stop();
    await systems?.stop();
  });
  const arrived = async () =>
    JSON.stringify(await destination.rows('SELECT id FROM orders ORDER BY id').catch(() => []));

  test('nothing of it is run, and the reason is reported; nothing of it is checked either', async () => {
    const all = await cluster.agent('all');
    await until(async () => (await arrived()) === '[["1"]]', { what: 'the first row' });
    await all.stop();
    await source.execute('INSERT INTO orders VALUES (2)');
    await cluster.agent('narrowed', { IDRA_WATCH_NAMESPACES: 'elsewhere' });
    const status = await until(
      async () => (await cluster.coordination.reports.readUnassigned()).get('orders'),
      {
        what: 'the leader to report why nobody runs it',
      },
    );
    assert.match(status.message, /the agents do not watch namespace default/);
    assert.deepEqual(await cluster.coordination.cluster.assignments(), []);
    assert.equal((await cluster.holders()).size, 0);
    assert.equal(await arrived(), '[["1"]]');
    const probe = { kind: 'check', subject: 'default/shop', selector: {} } as const;
    const { error } = await cluster.coordination.probes.ask(probe, 20_000);
    assert.equal(error?.code, 'NamespaceNotWatched');
  });
});
