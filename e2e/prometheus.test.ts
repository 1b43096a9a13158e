import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LagTrends, TotalTrend, Trend } from '../api/contract/index.ts';
import { serve } from './api/serve.ts';
import { AgentCluster } from './kit/agents.ts';
import { freePort } from './kit/free-port.ts';
import { prometheus } from './kit/servers.ts';
import { until } from './kit/wait.ts';
import { ShopFolder, shop } from './single-mode/shop-folder.ts';

test('a real Prometheus reads the metrics of an agent, and the API shows them as charts', async () => {
  const cluster = await AgentCluster.start({ etcd: { members: 1 } });
  const folder = await ShopFolder.make();
  await mkdir(join(folder.path, 'default'));
  folder.execute('default/shop.db', shop);
  const health = await freePort();
  const server = await prometheus([`127.0.0.1:${health}`]);
  try {
    const env = { IDRA_SQLITE_ROOT: folder.path, IDRA_AGENT_LABELS: 'disk=here' };
    await cluster.agent('a-0', { ...env, IDRA_HEALTH_PORT: String(health) });
    const { endpoints, prefix } = cluster.server;
    const served = await serve([], {
      IDRA_ETCD_ENDPOINTS: endpoints.join(','),
      IDRA_ETCD_PREFIX: prefix,
      IDRA_PROMETHEUS_URL: server.url,
      IDRA_PROMETHEUS_SELECTOR: 'job="idra-agents"',
    });
    const { client, running } = served;
    for (const name of ['shop', 'warehouse'])
      await client.send('POST', '/datasources/default', {
        name,
        spec: { sqlite: { path: `${name}.db` }, placement: { agentSelector: { disk: 'here' } } },
      });
    await client.send('POST', '/syncs/default', {
      name: 'orders',
      spec: {
        source: { dataSource: 'shop', table: 'orders', idField: 'id' },
        destination: { dataSource: 'warehouse', table: 'orders' },
        mode: 'Id',
        schedule: { every: '1s' },
      },
    });
    // A rate needs rows between two scrapes.
    const insert = "INSERT INTO orders (v, at) VALUES ('x', '2026-02-01 08:00:00')";
    const moved = await until(
      async () => {
        folder.execute('default/shop.db', insert);
        const { points, source } = await client.get<Trend>('/syncs/default/orders/trend');
        assert.equal(source, 'prometheus');
        return points.findLast(({ rate, lag }) => rate > 0 && lag !== undefined);
      },
      { what: 'a point with a rate and a lag', everyMs: 1_000 },
    );
    assert.equal(moved.isFailing, false);
    const total = await client.get<TotalTrend>('/trend');
    const last = total.points.findLast(({ rate }) => rate > 0);
    assert.deepEqual([last?.syncs, last?.failing], [1, 0]);
    const lags = await client.get<LagTrends>('/lag-trends');
    assert.equal(lags.source, 'prometheus');
    assert.ok(
      lags.items[0]?.lags.some((lag) => lag !== null),
      'the list has its lag by minutes',
    );
    assert.equal((await running.stop()).code, 0);
  } finally {
    await server.stop();
    await cluster.stop();
    await folder.remove();
  }
});
