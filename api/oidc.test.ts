import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Session } from './contract/index.ts';
import { type TestApi, TestClient } from './test-api.ts';
import { type OidcApi, startOidcApi } from './test-oidc.ts';
import { sessionCookie } from './users/sessions.ts';

/** A browser with cookies by host, which follows redirects and fills in the forms of the provider. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  cookie(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).host)?.get(name);
  }

  async send(url: string, body?: URLSearchParams): Promise<Response> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(body && { method: 'POST', body }),
    });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      if (value === '' || /Max-Age=0/i.test(text)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Logs in at the provider; returns the address to which it sends the browser back. */
  async logIn(start: string, user: string, back: string): Promise<string> {
    let url = start;
    for (let step = 0; step < 20; step++) {
      let response = await this.send(url);
      if (response.status === 200) {
        const text = await response.text();
        const [, action = ''] = /<form[^>]*action="([^"]+)"/.exec(text) ?? [];
        const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(text) ?? [];
        response = await this.send(
          new URL(action, url).href,
          new URLSearchParams({ prompt, login: user, password: 'any' }),
        );
      }
      const next = new URL(response.headers.get('location') ?? '', url).href;
      if (next.startsWith(back)) return next;
      url = next;
    }
    throw new Error(`the provider did not send the browser back; it is at ${url}`);
  }
}

describe('logins by OpenID Connect', () => {
  let oidc: OidcApi;
  let api: TestApi;
  let base: string;
  before(async () => {
    oidc = await startOidcApi();
    ({ api, base } = oidc);
  });
  after(() => oidc?.stop());

  const begin = async (browser: Browser, query = '') => {
    const response = await browser.send(`${base}/api/v1/session/oidc${query}`);
    assert.equal(response.status, 302);
    return response.headers.get('location') ?? '';
  };
  const callback = () => `${base}/api/v1/session/oidc/callback`;
  const clientOf = (browser: Browser) => {
    const client = new TestClient(base);
    client.cookie = browser.cookie(base, sessionCookie);
    return client;
  };

  test('there is no first login with the documented password, although nobody has logged in yet', async () => {
    assert.equal(await api.api.services.users.isSetUp(), false);
    const client = api.client();
    const body = { user: 'admin', password: 'admin' };
    await client.refused(401, 'LoginFailed', '/session', { method: 'POST', body });
    const methods = await client.get<{ awaitsFirstLogin: boolean }>('/login-methods');
    assert.equal(methods.awaitsFirstLogin, false);
  });

  test('code with PKCE, state and nonce; the groups give the roles, and the way back is kept', async () => {
    const browser = new Browser();
    const start = await begin(browser, '?returnTo=/syncs?state=Failed');
    const parameters = new URL(start).searchParams;
    assert.equal(parameters.get('code_challenge_method'), 'S256');
    for (const name of ['state', 'nonce', 'code_challenge'])
      assert.ok((parameters.get(name) ?? '').length > 20);
    const back = await browser.logIn(start, 'ben', callback());
    const done = await browser.send(back);
    assert.deepEqual([done.status, done.headers.get('location')], [302, '/syncs?state=Failed']);
    const { user, grants } = await clientOf(browser).get<Session>('/session');
    assert.deepEqual([user, grants], ['oidc:ben', [{ role: 'editor', namespaces: ['team-a'] }]]);

    const again = await browser.send(back);
    assert.equal(again.status, 401, 'a code works once');
  });

  test('an answer that this browser did not ask for is refused', async () => {
    const [victim, attacker] = [new Browser(), new Browser()];
    const back = await attacker.logIn(await begin(attacker), 'ana', callback());
    assert.equal((await victim.send(back)).status, 401, 'nothing was begun');
    await begin(victim);
    assert.equal((await victim.send(back)).status, 401, 'another state');
    assert.equal(victim.cookie(base, sessionCookie), undefined);
  });

  test('a user without a role is refused, and a disabled one', async () => {
    const eve = new Browser();
    const back = await eve.logIn(await begin(eve), 'eve', callback());
    assert.equal((await eve.send(back)).status, 403);
    const ana = new Browser();
    await ana.send(await ana.logIn(await begin(ana), 'ana', callback()));
    const admin = clientOf(ana);
    admin.csrf = (await admin.get<Session>('/session')).csrf;
    const { items } = await admin.get<{ items: { name: string; version: string }[] }>('/users');
    const ben = items.find(({ name }) => name === 'oidc:ben');
    await admin.send('POST', '/users', {
      name: 'root',
      password: 'four unrelated plain words',
      grants: [{ role: 'admin', namespaces: ['*'] }],
    });
    await admin.send('PATCH', '/users/oidc:ben', { isDisabled: true }, { 'if-match': ben?.version ?? '' });
    const browser = new Browser();
    const second = await browser.logIn(await begin(browser), 'ben', callback());
    assert.equal((await browser.send(second)).status, 401);
    await admin.refused(422, 'PasswordRefused', '/users/oidc:ana', {
      method: 'PATCH',
      body: { password: 'four unrelated plain words' },
      headers: { 'if-match': '*' },
    });
  });

  test('a name that the provider gives to somebody else does not give its roles and sessions', async () => {
    const first = new Browser();
    await first.send(await first.logIn(await begin(first), 'kim', callback()));
    assert.equal((await clientOf(first).get<Session>('/session')).user, 'oidc:kim');
    const other = new Browser();
    const back = await other.logIn(await begin(other), 'kim-of-sales', callback());
    assert.equal((await other.send(back)).status, 401);
    assert.equal(other.cookie(base, sessionCookie), undefined);
    const { grants } = await clientOf(first).get<Session>('/session');
    assert.deepEqual(grants, [{ role: 'admin', namespaces: ['*'] }], 'as before');
  });

  test('a login ends the session before, and a name must be a plain one', async () => {
    const browser = new Browser();
    await browser.send(await browser.logIn(await begin(browser), 'kim', callback()));
    const before = clientOf(browser);
    await browser.send(await browser.logIn(await begin(browser), 'kim', callback()));
    await clientOf(browser).get('/session');
    await before.refused(401, 'NotSignedIn', '/session');
    const odd = new Browser();
    const back = await odd.logIn(await begin(odd), 'odd', callback());
    assert.equal((await odd.send(back)).status, 401);
  });

  test('only paths of this server are returned to', async () => {
    for (const path of ['//evil.example', 'https://evil.example', '/\\evil.example', '/\u0001', '/漢']) {
      const response = await new Browser().send(
        `${base}/api/v1/session/oidc?returnTo=${encodeURIComponent(path)}`,
      );
      assert.equal(response.status, 400, path);
    }
  });
});
