import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { z } from 'zod';
import { statusOf } from '../coordination/test-objects.ts';
import type { SyncStatus } from '../core/status.ts';
import type { DataSourceRow } from './contract/index.ts';
import type { syncDetail, syncList } from './schemas/syncs.ts';
import { singleInstallation, TestApi, type TestClient } from './test-api.ts';
import { parseSearch } from './views/search.ts';

type SyncList = z.infer<typeof syncList>;
type SyncDetail = z.infer<typeof syncDetail>;

const spec = (dataSource: string, mode = 'Id') => ({
  source: { dataSource, table: 'public.orders' },
  destination: { dataSource: 'warehouse', table: 'sales.orders' },
  mode,
  schedule: { every: '10s' },
});

const sync = (namespace: string, name: string, dataSource = 'shop', mode = 'Id') => ({
  namespace,
  name,
  spec: spec(dataSource, mode),
});

/** Reports as the engine would: the view listens to the state file. */
const reports: Readonly<Record<string, Partial<SyncStatus>>> = {
  orders: { state: 'Running', lagSeconds: 5, rowsPerSecond: 100, agent: 'a-0' },
  events: { state: 'Waiting', reason: 'NothingNew', hasCaughtUp: true, lagSeconds: 600, agent: 'a-1' },
  broken: { state: 'Failed', reason: 'TableNotFound', message: 'no table x\nsecond line' },
};

describe('lists', () => {
  let api: TestApi;
  let admin: TestClient;
  before(async () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      sync('many', `s${String(index).padStart(2, '0')}`, 'other'),
    );
    const { installation, state, close } = await singleInstallation(
      [
        sync('team-a', 'orders'),
        sync('team-a', 'events', 'shop', 'Timestamp'),
        sync('team-b', 'broken', 'other'),
        ...many,
      ],
      [
        { namespace: 'team-a', name: 'shop', spec: { postgres: { host: 'h' }, maxConcurrentSyncs: 2 } },
        { namespace: 'team-b', name: 'other', spec: { mysql: { host: 'h' } } },
        { namespace: 'constructor', name: 'third', spec: { mysql: { host: 'h' } } },
      ],
    );
    for (const { namespace, name, uid, spec: written } of installation.view.syncs()) {
      const report = reports[name];
      if (!report) continue;
      const lock = await state.store.acquire({ uid, namespace, name, generation: 1, spec: written as never });
      lock?.report({ ...statusOf(uid, 'Waiting', 7), ...report });
      await lock?.release();
    }
    api = await TestApi.start(installation, { close });
    admin = await api.admin();
  });
  after(() => api?.stop());

  const names = async (query: string, client = admin) => {
    const { items } = await client.get<SyncList>(`/syncs?${query}`);
    return items.map(({ name }) => name);
  };

  test('what needs attention is first: failed, then lagging', async () => {
    assert.deepEqual(await names('limit=3'), ['broken', 'events', 's00']);
    const { items } = await admin.get<SyncList>('/syncs?limit=1');
    assert.deepEqual([items[0]?.attention, items[0]?.message], ['failed', 'no table x']);
  });

  test('the reason is that of the condition Ready, whichever the engine has given', async () => {
    const { items } = await admin.get<SyncList>('/syncs?q=-namespace:many&sort=name');
    assert.deepEqual(
      items.map(({ name, reason }) => [name, reason]),
      [
        ['events', 'HasCaughtUp'],
        ['orders', 'Waiting'],
        ['broken', 'TableNotFound'],
      ],
    );
    const { object, row } = await admin.get<SyncDetail>('/syncs/team-a/events');
    const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(row.reason, ready?.reason);
  });

  test('pages, orders and totals', async () => {
    assert.deepEqual(await names('sort=name&limit=2&offset=2'), ['s02', 's03']);
    assert.deepEqual(await names('sort=-name&limit=1'), ['broken']);
    assert.deepEqual(await names('sort=-lag&limit=2'), ['events', 'orders']);
    assert.deepEqual(await names('sort=lag&limit=2'), ['orders', 'events'], 'those without a lag are last');
    assert.equal((await admin.get<SyncList>('/syncs?limit=1')).total, 33);
    await admin.refused(400, 'RequestMalformed', '/syncs?sort=colour');
    await admin.refused(400, 'RequestMalformed', '/syncs?limit=0');
    await admin.refused(400, 'RequestMalformed', '/syncs?colour=red');
  });

  test('filters and search', async () => {
    assert.deepEqual(await names('namespace=team-a&sort=name'), ['events', 'orders']);
    assert.deepEqual(await names('state=Failed'), ['broken']);
    assert.deepEqual(await names('state=Failed&state=Running&sort=name'), ['orders', 'broken']);
    assert.deepEqual(await names('q=lag:%3E1m'), ['events']);
    assert.deepEqual(await names('q=source:shop+mode:id'), ['orders']);
    assert.deepEqual(await names('q=-namespace:many+-state:failed&sort=name'), ['events', 'orders']);
    assert.deepEqual(await names('q=table+x'), ['broken'], 'words of the message');
    const { findings, total } = await admin.get<SyncList>('/syncs?q=stat:failed');
    assert.equal(total, 33);
    assert.match(findings[0]?.message ?? '', /no field stat/);
    assert.match(findings[0]?.fix ?? '', /did you mean state/);
  });

  test('counts of a field ignore its own filter', async () => {
    const { facets } = await admin.get<SyncList>('/syncs?state=Failed&namespace=team-b');
    assert.deepEqual(facets.state, { Failed: 1 });
    assert.deepEqual(facets.namespace, { 'team-b': 1 });
    const { facets: all } = await admin.get<SyncList>('/syncs?state=Failed');
    assert.deepEqual(all.state, { Pending: 30, Failed: 1, Running: 1, Waiting: 1 });
  });

  test('words that every JavaScript object knows are words like others', async () => {
    const words = ['__proto__:1', 'hasOwnProperty:1', 'constructor:1', 'valueOf:>1'];
    for (const word of words) {
      const { total, findings } = await admin.get<SyncList>(`/syncs?q=${encodeURIComponent(word)}`);
      assert.deepEqual([total, findings[0]?.path], [33, 'q'], word);
    }
    const labelled = { labels: { team: 'a' } } as never;
    for (const [text, isFound] of [
      ['team', true],
      ['team=a', true],
      ['team=b', false],
      ['constructor', false],
      ['__proto__', false],
    ] as const)
      assert.equal(parseSearch({ label: [text] }).others[0]?.(labelled), isFound, text);
  });

  test('a user sees only namespaces with a role, in lists and counts', async () => {
    const ana = await api.user('ana', [{ role: 'viewer', namespaces: ['team-a'] }]);
    const { items, total, facets } = await ana.get<SyncList>('/syncs');
    assert.deepEqual([items.length, total, Object.keys(facets.namespace)], [2, 2, ['team-a']]);
    assert.deepEqual(await names('namespace=team-b', ana), []);
    const { items: found } = await ana.get<{ items: { name: string }[] }>('/datasources');
    assert.deepEqual(
      found.map(({ name }) => name),
      ['shop'],
    );
    const hidden = await ana.refused(403, 'AccessDenied', '/syncs/team-b/broken');
    const missing = await ana.refused(403, 'AccessDenied', '/syncs/team-b/nothing');
    assert.equal(hidden.detail, missing.detail, 'whether it exists is not told');
    const events = await ana.get<{ items: { namespace?: string }[] }>('/events');
    assert.ok(events.items.every(({ namespace }) => namespace === undefined || namespace === 'team-a'));
  });

  test('one Sync has its object as kubectl shows it, and a version', async () => {
    const answer = await admin.call('/syncs/team-a/orders');
    const { object, version, isReadOnly } = answer.body as {
      object: { status: { state: string; lag: string; rows: { written: number } } };
      version: string;
      isReadOnly: boolean;
    };
    assert.deepEqual(
      [object.status.state, object.status.lag, object.status.rows.written, isReadOnly],
      ['Running', '5s', 7, true],
    );
    assert.equal(answer.headers.get('etag'), `"${version}"`);
    await admin.refused(404, 'SyncNotFound', '/syncs/team-a/nothing');
  });

  test('DataSources are counted with their users', async () => {
    const { items, facets } = await admin.get<{
      items: DataSourceRow[];
      facets: unknown;
    }>('/datasources?sort=-syncs');
    assert.deepEqual(
      items.map(({ name, syncs, maxConcurrentSyncs }) => [name, syncs, maxConcurrentSyncs]),
      [
        ['shop', 2, 2],
        ['other', 1, undefined],
        ['third', 0, undefined],
      ],
    );
    const { objectField, modes, writeModes } = items[0] ?? {};
    assert.deepEqual([objectField, writeModes], ['table', ['Append', 'Upsert', 'Replace']]);
    assert.ok(modes?.includes('Timestamp') && !modes.includes('Stream'), 'what an editor can offer');
    assert.deepEqual(facets, {
      type: { postgres: 1, mysql: 2 },
      ready: { Unknown: 3 },
      namespace: { 'team-a': 1, 'team-b': 1, constructor: 1 },
    });
    const { usedBy } = await admin.get<{ usedBy: string[] }>('/datasources/team-a/shop');
    assert.deepEqual(usedBy, ['events', 'orders']);
  });

  test('an error has a code, a text and what to do, as JSON', async () => {
    const { headers } = await admin.call('/nothing');
    assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
    await admin.refused(404, 'RouteNotFound', '/nothing');
    const problem = await admin.refused(400, 'RequestMalformed', '/syncs?limit=x');
    assert.equal(problem.findings[0]?.path, 'limit');
    const text = await admin.call('/users', { method: 'POST', headers: { 'content-type': 'text/plain' } });
    assert.equal(text.status, 400);
  });
});
