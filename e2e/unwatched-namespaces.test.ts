import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AgentCluster } from './kit/agents.ts';
import { Orders } from './kit/orders.ts';
import { until } from './kit/wait.ts';

/** Agents as processes whose list of namespaces was narrowed, while etcd still has a Sync outside of it. */
describe('agents and a namespace that they no longer watch', () => {
  let cluster: AgentCluster;
  let orders: Orders;
  before(async () => {
    cluster = await AgentCluster.start();
    orders = await Orders.create(1);
    await cluster.put(orders.manifests({ continuous: true }));
  });
  after(async () => {
    await cluster?.stop();
    await orders?.stop();
  });

  test('nothing of it is run, and the reason is reported; nothing of it is checked either', async () => {
    const all = await cluster.agent('all');
    await until(async () => (await orders.arrived()) === 1, { what: 'the first row' });
    await all.stop();
    await orders.insert(2);
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
    assert.equal(await orders.arrived(), 1);
    const probe = { kind: 'check', subject: 'default/shop', selector: {} } as const;
    const { error } = await cluster.coordination.probes.ask(probe, 20_000);
    assert.equal(error?.code, 'NamespaceNotWatched');
  });
});
