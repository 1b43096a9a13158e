import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../e2e/kit/wait.ts';
import { singleFleet } from '../fleet/single.ts';
import type { EventList, SyncDetail } from './contract/index.ts';
import { singleInstallation, TestApi, type TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec, startCluster, type TestCluster } from './test-cluster.ts';

const object = 'Sync team-a/orders';
const eventsOf = async (client: TestClient) =>
  (await client.get<EventList>(`/events?object=${encodeURIComponent(object)}`)).items;

describe('who has changed a spec, over etcd', () => {
  let cluster: TestCluster;
  let admin: TestClient;
  before(async () => {
    cluster = await startCluster();
    admin = await cluster.api.admin();
    for (const name of ['shop', 'warehouse'])
      await admin.send('POST', '/datasources/team-a', { name, spec: postgresSpec('db') });
    await until(async () => (await admin.get<{ total: number }>('/datasources')).total === 2, {
      what: 'both',
    });
  });
  after(() => cluster?.stop());

  const changesFrom = (client: TestClient, count: number) =>
    until(
      async () => {
        const found = (await eventsOf(client)).filter(({ type }) => type === 'SpecChanged');
        return found.length === count && found;
      },
      { what: `${count} changes` },
    );
  const change = async (client: TestClient, every: string) => {
    const { version } = await client.get<SyncDetail>('/syncs/team-a/orders');
    const body = { spec: ordersSpec({ schedule: { every } }) };
    await client.send('PUT', '/syncs/team-a/orders', body, { 'if-match': `"${version}"` });
  };

  test('each replica names the user of whichever replica; a change past the API has no name', async () => {
    const second = await cluster.second();
    try {
      const ana = await cluster.api.user('ana', [{ role: 'editor', namespaces: ['team-a'] }]);
      await ana.send('POST', '/syncs/team-a', { name: 'orders', spec: ordersSpec() });
      const created = await until(
        async () => (await eventsOf(admin)).find(({ type }) => type === 'Created'),
        { what: 'the event' },
      );
      assert.deepEqual(created.by, { kind: 'user', name: 'ana' });
      await change(admin, '11s');
      const other = await second.admin();
      for (const client of [admin, other])
        assert.deepEqual((await changesFrom(client, 1))[0]?.by, { kind: 'user', name: 'admin' });

      const { desired } = cluster.coordination;
      const stored = await desired.findSync('team-a', 'orders');
      assert.ok(stored);
      const { version, ...rest } = stored;
      const spec = ordersSpec({ schedule: { every: '12s' } });
      await desired.putSync({ ...rest, spec, generation: rest.generation + 1 }, version);
      const [newest] = await changesFrom(admin, 2);
      assert.equal(newest?.by, undefined);
      assert.match(newest?.message ?? '', /generation 3/);

      await change(ana, '13s');
      for (const client of [admin, other])
        assert.deepEqual((await changesFrom(client, 3))[0]?.by, { kind: 'user', name: 'ana' });
    } finally {
      await second.stop();
    }
  });
});

test('in single mode a spec that the file has changed between two runs is in the timeline, once', async () => {
  const name = { namespace: 'team-a', name: 'orders' };
  const { installation, state, close } = await singleInstallation([{ ...name, spec: ordersSpec() }]);
  const { uid } = state.identify(name.namespace, name.name);
  const run = async (every: string) => {
    const syncs = [{ ...name, uid, spec: ordersSpec({ schedule: { every } }) }];
    const api = await TestApi.start({ ...installation, ...singleFleet({ state, syncs, dataSources: [] }) });
    try {
      return (await eventsOf(await api.admin())).filter(({ type }) => type === 'SpecChanged');
    } finally {
      await api.stop();
    }
  };
  try {
    assert.equal((await run('10s')).length, 0, 'the first start');
    assert.equal((await run('10s')).length, 0, 'the same');
    const [changed, ...more] = await run('20s');
    assert.deepEqual([changed?.by, more], [{ kind: 'file', name: 'manifest' }, []]);
    assert.equal((await run('20s')).length, 1, 'kept, and not told again');
  } finally {
    await close();
  }
});
