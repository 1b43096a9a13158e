import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentOf } from '../coordination/test-etcd.ts';
import { statusOf } from '../coordination/test-objects.ts';
import { until } from '../e2e/kit/wait.ts';
import type { SyncList } from './contract/index.ts';
import type { TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec, startCluster, type TestCluster } from './test-cluster.ts';
import { TestStream } from './test-live.ts';

describe('live updates', () => {
  let cluster: TestCluster;
  let admin: TestClient;
  before(async () => {
    cluster = await startCluster();
    admin = await cluster.api.admin();
    for (const namespace of ['team-a', 'team-b'])
      for (const name of ['shop', 'warehouse'])
        await admin.send('POST', `/datasources/${namespace}`, { name, spec: postgresSpec('db') });
    await until(async () => (await admin.get<{ total: number }>('/datasources')).total === 4, {
      what: 'both',
    });
  });
  after(() => cluster?.stop());

  const create = async (namespace: string, name: string) => {
    await admin.send('POST', `/syncs/${namespace}`, { name, spec: ordersSpec() });
    return await until(() => cluster.coordination.desired.findSync(namespace, name), { what: name });
  };

  test('a page gets what it shows, then only what changes', async () => {
    const orders = await create('team-a', 'orders');
    await until(async () => (await admin.get<SyncList>('/syncs')).total === 1, { what: 'orders' });
    const stream = await TestStream.open(admin, [
      'syncs?namespace=team-a&sort=name',
      'sync/team-a/orders',
      'agents',
      'outage',
      'events',
    ]);
    try {
      const first = await stream.message('the page', ({ syncs }) => syncs);
      assert.deepEqual(
        first.data.syncs?.rows.map(({ name }) => name),
        ['orders'],
      );
      assert.deepEqual(first.data.syncs?.order, [orders.uid]);
      await stream.message('the Sync', ({ sync }) => sync?.row.state === 'Pending');
      await stream.message('no outage', ({ outage }) => outage === null);

      const session = await cluster.coordination.join(agentOf('a-0'), { leaseTtlMs: 10_000 });
      await stream.message('the agent', ({ agents }) => agents?.[0]?.name === 'a-0');
      const lock = await session.store.acquire({ uid: orders.uid, namespace: 'team-a', name: 'orders' });
      lock?.report({ ...statusOf(orders.uid, 'Failed', 3), reason: 'TableNotFound', message: 'no table' });
      const failed = await stream.message('the failure', ({ syncs }) => syncs?.rows[0]?.state === 'Failed');
      assert.equal(failed.data.syncs?.order, undefined, 'the order is the same');
      assert.deepEqual(failed.data.syncs?.facets.state, { Failed: 1 });
      await stream.message('the lock', ({ sync }) => sync?.lock?.agent === 'a-0');
      await stream.message('the event', ({ events }) =>
        events?.some(({ message }) => message === 'Pending -> Failed: no table'),
      );

      const second = await create('team-a', 'z-second');
      const grown = await stream.message('the second', ({ syncs }) => syncs?.order?.length === 2);
      assert.deepEqual(
        grown.data.syncs?.rows.map(({ name }) => name),
        ['z-second'],
      );
      const count = stream.messages.length;
      await create('team-b', 'other');
      await stream.message('its count', ({ syncs }) => syncs?.facets.namespace['team-b'] === 1);
      const more = stream.messages.slice(count).flatMap(({ data }) => data.syncs?.rows ?? []);
      assert.deepEqual(more, [], 'of what the page does not show only the count is sent');
      await admin.send('DELETE', '/syncs/team-a/z-second');
      await cluster.coordination.desired.purgeSync(second.uid, 'agent');
      await stream.message(
        'its end',
        ({ syncs }) => syncs?.rows.length === 0 && syncs.order?.join() === orders.uid,
      );
      await lock?.release();
      await session.leave();
      await stream.message('the agent gone', ({ events }) =>
        events?.some(({ type }) => type === 'AgentLeft'),
      );
    } finally {
      stream.close();
    }
  });

  test('with the last id nothing is sent again; after a change, or from another process, everything', async () => {
    const stream = await TestStream.open(admin, ['syncs?sort=name']);
    const { id } = await stream.message('the page', ({ syncs }) => syncs);
    stream.close();
    const same = await TestStream.open(admin, ['syncs?sort=name'], id);
    await create('team-a', 'later');
    const [first] = await until(() => same.messages.length > 0 && same.messages, { what: 'the change' });
    assert.deepEqual(
      first?.data.syncs?.rows.map(({ name }) => name),
      ['later'],
      'only what is new',
    );
    same.close();
    const outdated = await TestStream.open(admin, ['syncs?sort=name'], id);
    const whole = await outdated.message('the page', ({ syncs }) => syncs);
    assert.ok((whole.data.syncs?.rows.length ?? 0) >= 2);
    outdated.close();
  });

  test('a user sees its namespaces only, and a stream ends with the session', async () => {
    const ana = await cluster.api.user('ana', [{ role: 'viewer', namespaces: ['team-b'] }]);
    const stream = await TestStream.open(ana, ['syncs', 'events']);
    const page = await stream.message('the page', ({ syncs }) => syncs);
    assert.ok(page.data.syncs?.rows.every(({ namespace }) => namespace === 'team-b'));
    await ana.refused(403, 'AccessDenied', '/live?topic=sync/team-a/orders');
    await ana.refused(400, 'RequestMalformed', '/live?topic=secrets');
    await ana.refused(400, 'RequestMalformed', '/live');
    const nobody = await TestStream.open(cluster.api.client(), ['syncs']);
    assert.equal(nobody.status, 401);
    await ana.send('DELETE', '/session/all');
    await until(() => stream.isOver, { what: 'the end of the stream' });
    assert.equal(stream.messages.at(-1)?.event, 'ended');
  });
});
