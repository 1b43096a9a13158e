import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DocumentStore } from '../coordination/documents.ts';
import { until } from '../e2e/kit/wait.ts';
import type { Grant } from './access/roles.ts';
import {
  firstPassword,
  singleInstallation,
  TestApi,
  type TestApiOptions,
  type TestClient,
  userPassword,
} from './test-api.ts';

const everything: readonly Grant[] = [{ role: 'admin', namespaces: ['*'] }];

/** `over` stands between the API and its storage. */
async function startApi(
  over: (documents: DocumentStore) => DocumentStore = (same) => same,
  options: TestApiOptions = {},
): Promise<TestApi> {
  const { installation, close } = await singleInstallation();
  const documents = over(installation.documents);
  return await TestApi.start({ ...installation, documents }, { close, ...options });
}

/** Reads of these documents wait until the test lets them go on. */
class Gate {
  #open: (() => void) | undefined;
  #passed = Promise.resolve();
  waiting = 0;

  close(): void {
    ({ promise: this.#passed, resolve: this.#open } = Promise.withResolvers<void>());
  }

  open(): void {
    this.#open?.();
  }

  async pass(): Promise<void> {
    this.waiting += 1;
    await this.#passed;
    this.waiting -= 1;
  }
}

describe('administrators', () => {
  test('of two who demote each other at the same time one stays', async () => {
    const gate = new Gate();
    const api = await startApi((documents) => ({
      ...documents,
      async list(prefix, options) {
        const found = await documents.list(prefix, options);
        if (prefix === 'users/') await gate.pass();
        return found;
      },
    }));
    try {
      const [one, other] = [await api.admin(), await api.user('other', everything)];
      const demote = async (client: TestClient, name: string) =>
        await client.call(`/users/${name}`, {
          method: 'PATCH',
          body: { grants: [] },
          headers: { 'if-match': '*' },
        });
      gate.close();
      const both = Promise.all([demote(one, 'other'), demote(other, 'admin')]);
      await until(() => gate.waiting === 2, { what: 'both to have read the users' });
      gate.open();
      assert.deepEqual((await both).map(({ status }) => status).sort(), [200, 409]);
      const left = (await api.api.services.users.list()).filter(({ grants }) => grants.length > 0);
      assert.equal(left.length, 1);
    } finally {
      await api.stop();
    }
  });

  test('who log in elsewhere can disable and delete others, although nobody has a password', async () => {
    const api = await startApi();
    try {
      const { users, sessions } = api.api.services;
      await users.create(users.make({ name: 'oidc:boss', source: 'oidc', grants: everything }));
      await users.create(users.make({ name: 'oidc:leaver', source: 'oidc', grants: everything }));
      const begun = await sessions.begin({ user: 'oidc:boss', setsPassword: false, ip: '', userAgent: '' });
      const boss = api.client();
      boss.cookie = begun.cookie;
      boss.csrf = begun.session.csrf;
      await boss.send('PATCH', '/users/oidc:leaver', { isDisabled: true }, { 'if-match': '*' });
      await boss.send('DELETE', '/users/oidc:leaver');
    } finally {
      await api.stop();
    }
  });
});

describe('what a deleted or changed user leaves behind', () => {
  let api: TestApi;
  let admin: TestClient;
  let isTokenStoreAway = false;
  const gate = new Gate();
  before(async () => {
    api = await startApi((documents) => ({
      ...documents,
      async list(prefix, options) {
        if (isTokenStoreAway && prefix.startsWith('tokens/')) throw new Error('the storage is away');
        return await documents.list(prefix, options);
      },
      async getAll(keys) {
        const found = await documents.getAll(keys);
        if (keys.includes('set-up')) await gate.pass();
        return found;
      },
    }));
    admin = await api.admin();
  });
  after(() => api?.stop());

  test('a token that outlives its user does not work for the next one of that name', async () => {
    const ana = await api.user('ana', everything);
    const bot = api.client();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const body = { name: 'bot', grants: everything, expiresAt };
    bot.token = (await ana.send<{ secret: string }>('POST', '/tokens', body)).secret;
    await bot.get('/syncs');
    isTokenStoreAway = true;
    const { stored, status } = await silently(async () => ({
      status: (await admin.call('/users/ana', { method: 'DELETE' })).status,
      stored: await api.api.services.users.find('ana'),
    }));
    isTokenStoreAway = false;
    assert.deepEqual([status, stored], [500, undefined]);
    await bot.refused(401, 'NotSignedIn', '/syncs');
    await admin.send('POST', '/users', { name: 'ana', grants: everything });
    await bot.refused(401, 'NotSignedIn', '/syncs');
  });

  test('a login with the old password that a new one overtakes opens no session', async () => {
    const ben = await api.user('ben', [{ role: 'viewer', namespaces: ['team-a'] }]);
    const thief = api.client();
    gate.close();
    const login = thief.login('ben', userPassword);
    await until(() => gate.waiting === 1, { what: 'the old password to be read' });
    const { csrf } = await ben.send<{ csrf: string }>('PUT', '/session/password', {
      current: userPassword,
      password: firstPassword,
    });
    ben.csrf = csrf;
    gate.open();
    await login;
    await thief.refused(401, 'NotSignedIn', '/session');
    await ben.get('/session');
  });
});

test('whoever guesses passwords does not drive the changes out of the audit log', async () => {
  const api = await startApi((same) => same, { auditEntries: 60 });
  try {
    const admin = await api.admin();
    const { audit } = api.api.services;
    const nobody = api.client();
    const guess = { method: 'POST', body: { user: 'admin', password: 'guessed' } };
    for (let count = 0; count < 5; count++) await nobody.refused(401, 'LoginFailed', '/session', guess);
    for (let count = 0; count < 20; count++) await nobody.refused(429, 'LoginThrottled', '/session', guess);
    const entries = async () => (await audit.page(undefined, 500, () => true)).items;
    const failed = async () => (await entries()).filter(({ outcome }) => outcome === 'Failed').length;
    assert.equal(await failed(), 5, 'those that were throttled are not recorded');
    const by = { user: 'x', ip: '', userAgent: '' };
    for (let count = 0; count < 110; count++)
      await audit
        .record(by, { action: 'login', object: `User x${count}` }, () => Promise.reject(new Error('wrong')))
        .catch(() => {});
    await until(async () => (await failed()) < 60, { what: 'the failures to be reduced' });
    const actions = (await entries()).map(({ action }) => action);
    assert.ok(actions.includes('setOwnPassword'), 'the oldest change is still there');
    assert.equal((await admin.get<{ items: unknown[] }>('/audit?limit=1')).items.length, 1);
  } finally {
    await api.stop();
  }
});

/** What goes wrong on purpose is not printed. */
async function silently<T>(work: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await work();
  } finally {
    console.error = error;
  }
}
