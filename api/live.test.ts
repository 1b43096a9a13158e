import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { agentOf } from '../coordination/test-etcd.ts';
import { statusOf } from '../coordination/test-objects.ts';
import { silentLog } from '../core/log.ts';
import { until } from '../e2e/kit/wait.ts';
import type { SyncList } from './contract/index.ts';
import { type LiveOptions, LiveStream } from './live/stream.ts';
import type { Topic } from './live/topics.ts';
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

  test('a page of DataSources is told when to read its list again, and nothing else', async () => {
    const stream = await TestStream.open(admin, ['datasources']);
    const first = await stream.message('the list', ({ dataSources }) => dataSources);
    await create('team-a', 'no-matter');
    await admin.send('POST', '/datasources/team-b', { name: 'third', spec: postgresSpec('db') });
    await stream.message('the change', ({ dataSources }) => dataSources !== first.data.dataSources);
    assert.deepEqual(Object.keys(stream.messages.at(-1)?.data ?? {}), ['topic', 'dataSources']);
    stream.close();
  });

  test('a query that is wrong is refused, and one stream that fails ends alone', async () => {
    for (const topic of ['syncs?sort=colour', 'syncs?limit=x', 'syncs?nothing=x'])
      await admin.refused(400, 'RequestMalformed', `/live?topic=${encodeURIComponent(topic)}`);
    const odd = await TestStream.open(admin, ['syncs?q=__proto__:1&sort=name']);
    await odd.message('the page', ({ syncs }) => syncs);
    odd.close();
    const logged: string[] = [];
    const log = { ...silentLog, error: (message: string) => void logged.push(message) };
    const failing: Topic = { name: 'sync/a/b', next: () => assert.fail('of this topic') };
    const text = await answerOf({ log, topics: [failing] }, (stream, response) => stream.start(response, {}));
    assert.equal(text, 'cut');
    assert.deepEqual(logged, ['a live stream was ended by an error']);
  });

  test('a client that leaves before its stream begins leaves nothing behind', async () => {
    const gone = new AbortController();
    const text = await answerOf(
      {},
      async (stream, response) => {
        gone.abort();
        await once(response, 'close');
        stream.start(response, {});
      },
      gone.signal,
    );
    assert.equal(text, 'cut');
  });

  /** One stream on a server of its own, beside those of the API; afterwards the hub must have forgotten it. */
  const answerOf = async (
    more: Partial<LiveOptions>,
    serve: (stream: LiveStream, response: ServerResponse) => unknown,
    signal?: AbortSignal,
  ): Promise<string> => {
    const { hub } = cluster.api.api.services;
    const options = { hub, user: 'x', scope: '*', log: silentLog, topics: [], lastEventId: undefined };
    let served: unknown;
    const server = createServer((_request, response) => {
      const stream = new LiveStream({ ...options, isAllowed: async () => true, ...more });
      stream.join();
      served = serve(stream, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await until(() => hub.size === 0, { what: 'no other stream' });
      const url = `http://127.0.0.1:${port}/`;
      const text = await fetch(url, signal ? { signal } : {})
        .then((each) => each.text())
        .catch(() => 'cut');
      await served;
      await until(() => hub.size === 0, { what: 'the stream to be forgotten' });
      return text;
    } finally {
      server.close();
      server.closeAllConnections();
    }
  };

  test('the last id of a stream with other rights or topics says nothing', async () => {
    const ida = await cluster.api.user('ida', [{ role: 'viewer', namespaces: ['team-b'] }]);
    const stream = await TestStream.open(ida, ['syncs']);
    const { id } = await stream.message('the page', ({ syncs }) => syncs);
    stream.close();
    for (const [client, topic] of [
      [admin, 'syncs'],
      [ida, 'syncs?sort=name'],
    ] as const) {
      const other = await TestStream.open(client, [topic], id);
      await other.message('the page', ({ syncs }) => syncs);
      other.close();
    }
  });

  test('locks and assignments of other namespaces are not told', async () => {
    const bea = await cluster.api.user('bea', [{ role: 'viewer', namespaces: ['team-b'] }]);
    const sync = await create('team-a', 'locked');
    const session = await cluster.coordination.join(agentOf('a-0'), { leaseTtlMs: 60_000 });
    await session.store.acquire(sync);
    const leadership = await session.campaign(new AbortController().signal);
    const versions = { syncVersion: '1', sourceVersion: '1', destinationVersion: '1' };
    const assignment = { uid: sync.uid, agent: 'a-0', assignedAt: sync.createdAt, ...versions };
    await leadership.write([{ kind: 'assign', assignment }]);
    for (const path of ['/locks', '/assignments']) {
      await until(async () => (await admin.get<{ total: number }>(path)).total === 1, { what: path });
      assert.equal((await bea.get<{ total: number }>(path)).total, 0, path);
    }
    await session.leave();
  });

  test('a user sees its namespaces only, and a stream ends with the session', async () => {
    const ana = await cluster.api.user('ana', [{ role: 'viewer', namespaces: ['team-b'] }]);
    const stream = await TestStream.open(ana, ['syncs', 'events']);
    const page = await stream.message('the page', ({ syncs }) => syncs);
    assert.ok(page.data.syncs?.rows.every(({ namespace }) => namespace === 'team-b'));
    await ana.refused(403, 'AccessDenied', '/live?topic=sync/team-a/orders');
    await ana.refused(400, 'RequestMalformed', '/live?topic=secrets');
    await ana.refused(400, 'RequestMalformed', '/live');
    await create('team-b', 'hers');
    await stream.message('her event', ({ events }) =>
      events?.some(({ namespace }) => namespace === 'team-b'),
    );
    const seen = stream.messages.flatMap(({ data }) => data.events ?? []);
    assert.ok(seen.every(({ namespace }) => namespace === undefined || namespace === 'team-b'));
    const nobody = await TestStream.open(cluster.api.client(), ['syncs']);
    assert.equal(nobody.status, 401);
    await ana.send('DELETE', '/session/all');
    await until(() => stream.isOver, { what: 'the end of the stream' });
    assert.equal(stream.messages.at(-1)?.event, 'ended');
  });
});
