import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Request } from '../core/status.ts';
import { singleInstallation, TestApi, type TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec } from './test-cluster.ts';

/** What the API asks of a fleet like that of Kubernetes, which would accept more. */
describe('changes that only the API refuses', () => {
  const posted: Request[] = [];
  const deleted: string[] = [];
  let api: TestApi;
  let admin: TestClient;
  before(async () => {
    const namespace = 'team-a';
    const { installation, close } = await singleInstallation(
      [{ namespace, name: 'orders', spec: ordersSpec() }],
      ['shop', 'warehouse', 'unused'].map((name) => ({ namespace, name, spec: postgresSpec('db') })),
    );
    const fleet = {
      ...installation.fleet,
      post: async (_sync: unknown, request: Request) => void posted.push(request),
      deleteDataSource: async (_namespace: string, name: string) => deleted.push(name) > 0,
    };
    api = await TestApi.start({ ...installation, fleet, mode: 'kubernetes' }, { close });
    admin = await api.admin();
  });
  after(() => api?.stop());

  test('a DataSource that a Sync uses is not deleted, not even later', async () => {
    const { detail } = await admin.refused(409, 'DataSourceInUse', '/datasources/team-a/shop', {
      method: 'DELETE',
    });
    assert.match(detail, /is used by orders/);
    const outdated = { method: 'DELETE', headers: { 'if-match': '"another"' } };
    await admin.refused(412, 'VersionChanged', '/datasources/team-a/unused', outdated);
    assert.deepEqual(deleted, []);
    await admin.send('DELETE', '/datasources/team-a/unused');
    assert.deepEqual(deleted, ['unused']);
  });

  test('an undo says which change it means, as it was shown', async () => {
    const path = '/syncs/team-a/orders/offset/undo';
    await admin.send('POST', path, { change: { from: '3', to: '1' } });
    await admin.send('POST', path);
    assert.deepEqual(
      posted.map(({ type, offset }) => [type, offset]),
      [
        ['undo-offset', { value: '3', expect: '1' }],
        ['undo-offset', undefined],
      ],
    );
    await admin.refused(400, 'RequestMalformed', path, { method: 'POST', body: { change: { from: '3' } } });
  });
});
