import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tempFolder } from '../e2e/kit/temp.ts';
import { TestClock } from '../e2e/kit/test-clock.ts';
import { adminPassword, singleInstallation, TestApi, type TestClient, userPassword } from './test-api.ts';
import { sessionCookie } from './users/sessions.ts';

interface Session {
  readonly user: string;
  readonly csrf: string;
  readonly setsPassword: boolean;
}

async function startApi(options: Parameters<typeof TestApi.start>[1] = {}): Promise<TestApi> {
  const { installation, close } = await singleInstallation();
  return await TestApi.start(installation, { close, ...options });
}

describe('the first login', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api?.stop());

  test('admin/admin only permits to set a password, and works only until then', async () => {
    const client = api.client();
    await client.refused(401, 'LoginFailed', '/session', {
      method: 'POST',
      body: { user: 'other', password: 'admin' },
    });
    const second = api.client();
    await second.login('admin', 'admin');
    await client.login('admin', 'admin');
    assert.equal((await client.get<Session>('/session')).setsPassword, true);
    await client.refused(403, 'PasswordChangeNeeded', '/syncs');
    await client.refused(403, 'PasswordChangeNeeded', '/users', { method: 'POST', body: {} });
    const early = client.cookie;
    const { csrf, setsPassword } = await client.send<Session>('PUT', '/session/password', {
      current: 'admin',
      password: adminPassword,
    });
    assert.equal(setsPassword, false);
    client.csrf = csrf;
    assert.notEqual(client.cookie, early, 'a new session');
    await client.get('/syncs');

    await second.refused(401, 'NotSignedIn', '/session/password', {
      method: 'PUT',
      body: { current: 'admin', password: 'another password of somebody' },
    });
    await api.client().refused(401, 'LoginFailed', '/session', {
      method: 'POST',
      body: { user: 'admin', password: 'admin' },
    });
    const again = api.client();
    await again.login('admin', adminPassword);
  });
});

test('a first password from a file must be replaced at once, and there is no admin/admin', async () => {
  const file = join(await tempFolder('first-password'), 'password');
  await writeFile(file, 'generated-by-the-chart-0123456789\n');
  const api = await startApi({ firstPasswordFile: file });
  try {
    const client = api.client();
    await client.refused(401, 'LoginFailed', '/session', {
      method: 'POST',
      body: { user: 'admin', password: 'admin' },
    });
    await client.login('admin', 'generated-by-the-chart-0123456789');
    await client.refused(403, 'PasswordChangeNeeded', '/syncs');
    await client.send('PUT', '/session/password', {
      current: 'generated-by-the-chart-0123456789',
      password: adminPassword,
    });
    const again = api.client();
    await again.login('admin', adminPassword);
    await again.get('/users');
  } finally {
    await api.stop();
  }
});

describe('sessions', () => {
  let api: TestApi;
  let admin: TestClient;
  const clock = new TestClock();
  before(async () => {
    api = await startApi({ clock });
    admin = await api.admin();
  });
  after(() => api?.stop());

  test('the cookie is for this host alone, not for scripts, and not sent from other sites', async () => {
    const answer = await api.client().call('/session', {
      method: 'POST',
      body: { user: 'admin', password: adminPassword },
    });
    const [cookie = ''] = answer.headers.getSetCookie();
    assert.match(
      cookie,
      new RegExp(`^${sessionCookie}=[^;]{43,}; Path=/; HttpOnly; Secure; SameSite=Strict$`),
    );
  });

  test('a login never keeps the session that the client came with', async () => {
    const client = api.client();
    client.cookie = 'YWRtaW4.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const planted = client.cookie;
    await client.login('admin', adminPassword);
    assert.notEqual(client.cookie, planted);
    const first = client.cookie;
    await client.login('admin', adminPassword);
    const replaced = api.client();
    replaced.cookie = first;
    await replaced.refused(401, 'NotSignedIn', '/session');
  });

  test('a change needs the CSRF token of this session, and a page of this server', async () => {
    const client = api.client();
    await client.login('admin', adminPassword);
    const change = { method: 'POST', body: { name: 'x', grants: [] } };
    const own = client.csrf;
    for (const csrf of ['', admin.csrf, `${own}x`]) {
      client.csrf = csrf;
      await client.refused(403, 'CrossSiteRequest', '/users', change);
    }
    client.csrf = own;
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }] as const)
      await client.refused(403, 'CrossSiteRequest', '/users', { ...change, headers });
    await client.refused(403, 'CrossSiteRequest', '/session', {
      method: 'POST',
      body: { user: 'admin', password: adminPassword },
      headers: { origin: 'https://evil.example' },
    });
    await client.send('POST', '/users', change.body, { origin: api.api.url });
  });

  test('signing out ends the session; signing out everywhere ends all of the user', async () => {
    const [one, other] = [api.client(), api.client()];
    await one.login('admin', adminPassword);
    await other.login('admin', adminPassword);
    const kept = one.cookie;
    await one.send('DELETE', '/session');
    one.cookie = kept;
    await one.refused(401, 'NotSignedIn', '/session');
    await other.get('/session');
    await other.send('DELETE', '/session/all');
    await admin.refused(401, 'NotSignedIn', '/session');
    admin = await api.admin();
  });

  test('a session ends when it is idle, and after its lifetime whatever happens', async () => {
    const client = api.client();
    await client.login('admin', adminPassword);
    for (let hour = 0; hour < 3; hour++) {
      await clock.advance(50 * 60_000);
      await client.get('/session');
    }
    await clock.advance(61 * 60_000);
    await client.refused(401, 'NotSignedIn', '/session');
    await client.login('admin', adminPassword);
    for (let step = 0; step < 14; step++) {
      await clock.advance(50 * 60_000);
      await client.get('/session');
    }
    await clock.advance(50 * 60_000);
    await client.refused(401, 'NotSignedIn', '/session');
    admin = await api.admin();
  });

  test('new roles, a new password or disabling end the sessions of the user', async () => {
    const ana = await api.user('ana', [{ role: 'viewer', namespaces: ['team-a'] }]);
    await ana.get('/syncs');
    const version = async () =>
      (await admin.get<{ items: { name: string; version: string }[] }>('/users')).items.find(
        ({ name }) => name === 'ana',
      )?.version ?? '';
    await admin.refused(428, 'VersionNeeded', '/users/ana', { method: 'PATCH', body: { isDisabled: true } });
    await admin.refused(412, 'VersionChanged', '/users/ana', {
      method: 'PATCH',
      body: { isDisabled: true },
      headers: { 'if-match': '"0"' },
    });
    await clock.advance(1_000);
    await admin.send('PATCH', '/users/ana', { isDisabled: true }, { 'if-match': await version() });
    await ana.refused(401, 'NotSignedIn', '/session');
    await ana.refused(401, 'LoginFailed', '/session', {
      method: 'POST',
      body: { user: 'ana', password: userPassword },
    });
    await clock.advance(1_000);
    await admin.send('PATCH', '/users/ana', { isDisabled: false }, { 'if-match': await version() });
    await ana.login('ana', userPassword);
    await admin.send('DELETE', '/users/ana');
    await ana.refused(401, 'NotSignedIn', '/session');
  });

  test('the last administrator cannot be deleted, disabled or demoted', async () => {
    await admin.refused(409, 'LastAdmin', '/users/admin', { method: 'DELETE' });
    const { items } = await admin.get<{ items: { name: string; version: string }[] }>('/users');
    const headers = { 'if-match': items.find(({ name }) => name === 'admin')?.version ?? '' };
    for (const body of [{ isDisabled: true }, { grants: [{ role: 'editor', namespaces: ['*'] }] }])
      await admin.refused(409, 'LastAdmin', '/users/admin', { method: 'PATCH', body, headers });
  });
});

describe('passwords', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api?.stop());

  test('short, common and repeated ones are refused; any kind of characters is permitted', async () => {
    const admin = await api.admin();
    const refused = [
      'short1!A',
      'password1234',
      'Password12345!',
      'qwertyqwerty',
      'aaaaaaaaaaaaaaaa',
      'x'.repeat(257),
    ];
    for (const password of [...refused, 'admin-admin-admin-1', 'idra-admin-kubernetes']) {
      const problem = await admin.refused(422, 'PasswordRefused', '/session/password', {
        method: 'PUT',
        body: { current: adminPassword, password },
      });
      assert.equal(problem.path, 'password');
    }
    await admin.refused(422, 'PasswordRefused', '/session/password', {
      method: 'PUT',
      body: { current: 'wrong', password: 'ein langes Wort mit ä und 漢字' },
    });
    const { csrf } = await admin.send<Session>('PUT', '/session/password', {
      current: adminPassword,
      password: 'ein langes Wort mit ä und 漢字',
    });
    admin.csrf = csrf;
    const again = api.client();
    await again.login('admin', 'ein langes Wort mit ä und 漢字');
  });
});

describe('guessing passwords', () => {
  test('known and unknown users are answered alike, and both are locked after the same number of failures', async () => {
    const clock = new TestClock();
    const api = await startApi({ clock });
    try {
      await api.admin();
      const attempt = (user: string, password = 'wrong') =>
        api.client().call('/session', { method: 'POST', body: { user, password } });
      const answers = async (user: string) => {
        const found: string[] = [];
        for (let count = 0; count < 7; count++) {
          const { status, body, headers } = await attempt(user);
          const { instance: _id, ...problem } = body as Record<string, unknown>;
          found.push(`${status} ${headers.get('retry-after')} ${JSON.stringify(problem)}`);
        }
        return found;
      };
      const known = await answers('admin');
      assert.deepEqual(await answers('nobody'), known);
      assert.match(known[4] ?? '', /^401/);
      assert.match(known[5] ?? '', /^429 60 /);
      assert.equal((await attempt('admin', adminPassword)).status, 429, 'also the right password');
      await clock.advance(61_000);
      assert.equal((await attempt('admin', adminPassword)).status, 200);
    } finally {
      await api.stop();
    }
  });
});
