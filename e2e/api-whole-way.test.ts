import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SyncDetail } from '../api/contract/index.ts';
import type { TestClient } from '../api/test-api.ts';
import { TestStream } from '../api/test-live.ts';
import { type Served, serve } from './api/serve.ts';
import { AgentCluster } from './kit/agents.ts';
import { until } from './kit/wait.ts';
import { ShopFolder, shop } from './single-mode/shop-folder.ts';

/** A user who knows only the API: from a data source to rows, an edited offset, and an agent that dies. */
describe('from a data source to rows by the API', () => {
  let cluster: AgentCluster;
  let folder: ShopFolder;
  let served: Served;
  let admin: TestClient;
  const agentEnv = () => ({ IDRA_SQLITE_ROOT: folder.path, IDRA_AGENT_LABELS: 'disk=here' });
  before(async () => {
    cluster = await AgentCluster.start({ etcd: { members: 1 } });
    folder = await ShopFolder.make();
    await mkdir(join(folder.path, 'team-a'));
    folder.execute('team-a/shop.db', shop);
    await cluster.agent('a-0', agentEnv());
    served = await serve([], {
      IDRA_ETCD_ENDPOINTS: cluster.server.endpoints.join(','),
      IDRA_ETCD_PREFIX: cluster.server.prefix,
    });
    admin = served.client;
  });
  after(async () => {
    await served?.running.stop();
    await cluster?.stop();
    await folder?.remove();
  });

  const spec = (more: object = {}) => ({
    source: { dataSource: 'shop', table: 'orders', idField: 'id' },
    destination: { dataSource: 'warehouse', table: 'orders' },
    mode: 'Id',
    schedule: { every: '1s' },
    ...more,
  });
  const offsetIs = (offset: string) =>
    until(
      async () => (await admin.get<{ offset: string }>('/syncs/team-a/orders/offset')).offset === offset,
      {
        what: `offset ${offset}`,
      },
    );

  test('the agent checks, discovers and shows rows without their content', async () => {
    for (const name of ['shop', 'warehouse']) {
      const sqlite = { path: `${name}.db` };
      const placement = { agentSelector: { disk: 'here' } };
      await admin.send('POST', '/datasources/team-a', { name, spec: { sqlite, placement } });
    }
    await until(async () => (await admin.call('/datasources/team-a/warehouse')).status === 200, {
      what: 'both',
    });
    const { version } = await admin.send<{ version: string }>('POST', '/datasources/team-a/shop/check');
    assert.match(version, /^SQLite 3\./);
    const { items, total } = await admin.send<{
      items: { name: string; columns: { name: string }[]; keys: string[][] }[];
      total: number;
    }>('POST', '/datasources/team-a/shop/discover?q=ord');
    assert.equal(total, 1);
    assert.match(items[0]?.name ?? '', /orders$/);
    assert.deepEqual(items[0]?.keys[0], ['id']);
    const preview = await admin.send<{ rows: string[][]; columns: { name: string }[] }>(
      'POST',
      '/datasources/team-a/shop/preview',
      { object: { table: 'orders' }, rows: 2 },
    );
    assert.equal(preview.rows.length, 2);
    const text = JSON.stringify(preview.rows);
    assert.match(text, /"9"/);
    assert.doesNotMatch(text, /[a-wyz0-8]/, 'masked');
    await admin.refused(404, 'DataSourceNotFound', '/datasources/team-a/draft/check', { method: 'POST' });
  });

  test('a plan of a draft, then the Sync itself; a plan of an outdated version is refused', async () => {
    const plan = await admin.send<{
      createsTarget: boolean;
      rowsWaiting: number;
      basedOn: string;
      findings: unknown[];
    }>('POST', '/plans/team-a', { name: 'orders', spec: spec() });
    assert.deepEqual([plan.createsTarget, plan.rowsWaiting, plan.basedOn], [true, 3, '']);
    await admin.send('POST', '/syncs/team-a', { name: 'orders', spec: spec() });
    await until(async () => (await admin.call('/syncs/team-a/orders')).status === 200, { what: 'the Sync' });
    await offsetIs('3');
    const missing = await admin.send<{ findings: { code: string; path: string }[] }>(
      'POST',
      '/plans/team-a',
      {
        name: 'other',
        spec: spec({ source: { dataSource: 'shop', table: 'nothing', idField: 'id' } }),
      },
    );
    assert.equal(missing.findings[0]?.code, 'TableNotFound');
    const { basedOn } = await admin.send<{ basedOn: string }>('POST', '/plans/team-a', {
      name: 'orders',
      spec: spec(),
    });
    await admin.send(
      'PUT',
      '/syncs/team-a/orders',
      { spec: spec({ schedule: { every: '2s' } }) },
      { 'if-match': basedOn },
    );
    await admin.refused(412, 'VersionChanged', '/syncs/team-a/orders', {
      method: 'PUT',
      body: { spec: spec() },
      headers: { 'if-match': basedOn },
    });
  });

  test('an offset is refused while the Sync runs, and when it has moved; accepted, then undone', async () => {
    const set = (value: string, expect: string) => ({ method: 'PUT', body: { value, expect } });
    const path = '/syncs/team-a/orders/offset?wait=20';
    const running = await admin.refused(409, 'RequestRefused', path, set('1', '3'));
    assert.match(running.detail, /suspended/);
    await admin.send('PUT', '/syncs/team-a/orders/suspended', { isSuspended: true });
    await until(async () => (await admin.get<SyncDetail>('/syncs/team-a/orders')).row.state === 'Suspended', {
      what: 'suspended',
    });
    const moved = await admin.refused(409, 'RequestRefused', path, set('1', '2'));
    assert.match(moved.detail, /stored offset is 3, not 2/);
    await admin.send('PUT', path, { value: '1', expect: '3' });
    await offsetIs('1');
    await admin.send('POST', '/syncs/team-a/orders/offset/undo?wait=20');
    await offsetIs('3');
    const { history } = await admin.get<{
      history: { by: string; action: string; from: string; to: string }[];
    }>('/syncs/team-a/orders/offset');
    assert.deepEqual(
      history.map(({ by, action, from, to }) => `${by} ${action} ${from} ${to}`),
      ['admin set 3 1', 'admin undo 1 3'],
    );
    await admin.send('PUT', '/syncs/team-a/orders/suspended', { isSuspended: false });
  });

  test('an agent is killed, and the page is told who took over and why', async () => {
    const stream = await TestStream.open(admin, ['sync/team-a/orders', 'events', 'agents']);
    try {
      await stream.message('who runs it', ({ sync }) => sync?.lock?.agent === 'a-0');
      await cluster.agent('a-1', agentEnv());
      await stream.message('two agents', ({ agents }) => agents?.length === 2);
      cluster.agents.get('a-0')?.kill('SIGKILL');
      await stream.message('the new owner', ({ sync }) => sync?.lock?.agent === 'a-1');
      await stream.message('the move', ({ events }) =>
        events?.some(({ message }) => message === 'moved from a-0 to a-1: a-0 is gone'),
      );
    } finally {
      stream.close();
    }
  });
});
