import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AgentList, AuditList, EventList, PlannedMoves } from '../api/contract/index.ts';
import { idra } from '../cli/test-cli.ts';
import { until } from './kit/wait.ts';
import { ShopCluster } from './ui/shop-cluster.ts';

/** Two agent processes and an API server over a real etcd; SQLite files. */
describe('agents are cordoned, drained and filled again by the command line and the API', () => {
  let cluster: ShopCluster;
  before(async () => {
    cluster = await ShopCluster.start();
    await cluster.makeDataSources();
    for (let index = 0; index < 4; index += 1)
      await cluster.served.client.send('POST', '/syncs/team-a', {
        name: `orders-${index}`,
        spec: {
          source: { dataSource: 'shop', table: 'orders', idField: 'id' },
          destination: { dataSource: 'warehouse', table: `orders_${index}` },
          mode: 'Id',
        },
      });
    await settled('a-0 Ready 4');
    await cluster.agent('a-1');
    await settled('a-0 Ready 2, a-1 Ready 2');
  });
  after(() => cluster?.stop());

  const { stringify } = JSON;
  const agents = async () => (await cluster.served.client.get<AgentList>('/agents')).items;
  const settled = (wanted: string) =>
    until(
      async () =>
        (await agents()).map(({ name, state, syncs }) => `${name} ${state} ${syncs}`).join(', ') === wanted,
      { what: wanted },
    );
  const run = (...args: readonly string[]) => {
    const { endpoints, prefix } = cluster.cluster.server;
    return idra(args, { IDRA_ETCD_ENDPOINTS: endpoints.join(','), IDRA_ETCD_PREFIX: prefix });
  };

  test('the command line: preview, drain, list, uncordon', async () => {
    const planned = await run('drain', 'a-1', '--dry-run', '-o', 'json');
    assert.equal(planned.status, 0, planned.err);
    const { moves, moveCount } = JSON.parse(planned.out) as PlannedMoves;
    assert.equal(moveCount, 2);
    assert.ok(
      moves.every(({ from, to, name }) => from === 'a-1' && to === 'a-0' && name.startsWith('orders-')),
    );
    await settled('a-0 Ready 2, a-1 Ready 2');
    const drained = await run('drain', 'a-1');
    assert.deepEqual([drained.status, drained.err], [0, '']);
    assert.match(drained.out, /team-a\/orders-\d +a-1 +a-0[\s\S]*a-1: draining\na-1: drained\n$/);
    assert.match((await run('get', 'agents')).out, /a-1 +(yes +)?Drained +0/);
    assert.match((await run('describe', 'agent', 'a-1')).out, /Agent a-1: Drained/);
    const last = await run('drain', 'a-0', '--no-wait');
    assert.equal(last.status, 2);
    assert.match(last.err, /no other agent can run 4 syncs of a-0/);
    const released = await run('uncordon', 'a-1');
    assert.match(released.out, /a-1: released\n$/);
    await settled('a-0 Ready 2, a-1 Ready 2');
    const unknown = await run('cordon', 'nobody');
    assert.deepEqual([unknown.status, unknown.out], [2, '']);
    assert.match(unknown.err, /no agent has the name nobody/);
  });

  test('the API: preview, cordon, drain with its cause in the events, rebalance, audit', async () => {
    const { client } = cluster.served;
    const preview = await client.send<PlannedMoves>('POST', '/agent-moves', {
      action: 'drain',
      agent: 'a-0',
    });
    assert.equal(preview.moveCount, 2);
    await client.send('PUT', '/agents/a-0/hold', { mode: 'Cordoned' });
    await settled('a-0 Cordoned 2, a-1 Ready 2');
    assert.equal((await agents())[0]?.hold?.by, 'admin');
    await client.send('PUT', '/agents/a-0/hold', { mode: 'Draining', passWaitSeconds: 1 });
    await settled('a-0 Drained 0, a-1 Ready 4');
    await until(
      async () => {
        const { items } = await client.get<EventList>('/events?limit=100');
        return items.some(({ message }) => message === 'moved from a-0 to a-1: a-0 is drained by admin');
      },
      { what: 'the cause of the move' },
    );
    await client.send('DELETE', '/agents/a-0/hold');
    await settled('a-0 Ready 2, a-1 Ready 2');
    const moved = await client.send<PlannedMoves>('POST', '/rebalance');
    assert.deepEqual([moved.moveCount, moved.withoutAgentCount], [0, 0], stringify(moved));
    await client.refused(404, 'AgentNotFound', '/agents/nobody/hold', {
      method: 'PUT',
      body: { mode: 'Cordoned' },
    });
    const { items } = await client.get<AuditList>('/audit?limit=10');
    const acts = items
      .filter(({ object }) => object.startsWith('Agent'))
      .map((each) => `${each.action} ${each.outcome}`);
    assert.deepEqual(acts.toReversed(), [
      'holdAgent Done',
      'holdAgent Done',
      'releaseAgent Done',
      'rebalance Done',
      'holdAgent Failed',
    ]);
  });
});
