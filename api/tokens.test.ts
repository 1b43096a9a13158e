import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestClock } from '../e2e/kit/test-clock.ts';
import { singleInstallation, TestApi, type TestClient } from './test-api.ts';

interface Made {
  readonly token: { readonly id: string };
  readonly secret: string;
}

describe('API tokens', () => {
  let api: TestApi;
  let admin: TestClient;
  const clock = new TestClock();
  before(async () => {
    const { installation, close } = await singleInstallation();
    api = await TestApi.start(installation, { close, clock });
    admin = await api.admin();
  });
  after(() => api?.stop());

  const inDays = (days: number) => new Date(clock.now() + days * 86_400_000).toISOString();
  const body = (role = 'viewer', days = 30, namespaces = ['*']) => ({
    name: 'nightly',
    grants: [{ role, namespaces }],
    expiresAt: inDays(days),
  });
  const withToken = (secret: string) => {
    const client = api.client();
    client.token = secret;
    return client;
  };

  test('a token has its own rights, is shown once, needs no CSRF token, and cannot make others', async () => {
    const { secret, token } = await admin.send<Made>('POST', '/tokens', body());
    const client = withToken(secret);
    await client.get('/syncs');
    await client.refused(403, 'AccessDenied', '/sync-actions', { method: 'POST', body: {} });
    await client.refused(403, 'AccessDenied', '/tokens', { method: 'POST', body: body() });
    await client.refused(403, 'AccessDenied', '/session/password', { method: 'PUT', body: {} });
    const listed = JSON.stringify(await admin.get('/tokens'));
    assert.ok(listed.includes(token.id));
    assert.ok(!listed.includes(secret.split('.').at(-1) ?? ''), 'not shown again');
    const { documents } = api.api.services;
    const stored = JSON.stringify([
      ...(await documents.list('tokens/')),
      ...(await documents.list('audit/')),
    ]);
    assert.ok(!stored.includes(secret.split('.').at(-1) ?? ''), 'not stored');
    await admin.send('DELETE', `/tokens/${token.id}`);
    await client.refused(401, 'NotSignedIn', '/syncs');
    await admin.refused(404, 'TokenNotFound', `/tokens/${token.id}`, { method: 'DELETE' });
  });

  test('it has never more rights than its user, ends at its time, and with its user', async () => {
    const ana = await api.user('ana', [{ role: 'editor', namespaces: ['team-a'] }]);
    await ana.refused(403, 'AccessDenied', '/tokens', { method: 'POST', body: body('viewer') });
    const { secret } = await ana.send<Made>('POST', '/tokens', body('editor', 30, ['team-a']));
    const client = withToken(secret);
    await client.refused(404, 'SyncNotFound', '/syncs/team-a/x/requests', {
      method: 'POST',
      body: { type: 'restart' },
    });
    const version = async () =>
      (await admin.get<{ items: { name: string; version: string }[] }>('/users')).items.find(
        ({ name }) => name === 'ana',
      )?.version ?? '';
    const demoted = { grants: [{ role: 'viewer', namespaces: ['team-a', 'team-b'] }] };
    await admin.send('PATCH', '/users/ana', demoted, { 'if-match': await version() });
    await client.refused(403, 'AccessDenied', '/syncs/team-a/x/requests', { method: 'POST', body: {} });
    await client.refused(403, 'AccessDenied', '/syncs/team-b/x');
    await client.refused(404, 'SyncNotFound', '/syncs/team-a/x');
    for (const days of [0, -1, 400])
      await admin.refused(400, 'RequestMalformed', '/tokens', { method: 'POST', body: body('viewer', days) });
    await clock.advance(31 * 86_400_000);
    await client.refused(401, 'NotSignedIn', '/syncs');
    admin = await api.admin();
    const { secret: second } = await admin.send<Made>('POST', '/tokens', body());
    const forged = [
      second.slice(0, -1),
      `${second}x`,
      second.replace(/\.[^.]+$/, `.${'A'.repeat(43)}`),
      'idra_',
      '',
    ];
    for (const text of forged) await withToken(text).refused(401, 'NotSignedIn', '/syncs');
    await withToken(second).get('/syncs');
  });
});
