import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { bug } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { TestClock } from '../e2e/kit/test-clock.ts';
import { until } from '../e2e/kit/wait.ts';
import type { Grant } from './access/roles.ts';
import { problemOf } from './http/problem.ts';
import { LiveHub } from './live/hub.ts';
import { LiveStream } from './live/stream.ts';
import type { Topic } from './live/topics.ts';
import { adminPassword, singleInstallation, TestApi, userPassword } from './test-api.ts';
import { LoginLimits } from './users/login-limits.ts';

const everything: readonly Grant[] = [{ role: 'admin', namespaces: ['*'] }];
const minute = 60_000;

test('guesses are limited by user from everywhere, and by address for all users', async () => {
  const clock = new TestClock();
  const limits = new LoginLimits(clock);
  const isOpen = (user: string, ip: string) => {
    try {
      limits.require(user, ip);
      return true;
    } catch {
      return false;
    }
  };
  for (let count = 0; count < 29; count++) limits.failed(`user-${count}`, '10.0.0.1');
  assert.ok(isOpen('fresh', '10.0.0.1'));
  limits.failed('user-29', '10.0.0.1');
  assert.ok(!isOpen('fresh', '10.0.0.1'), 'one password with many names');
  assert.ok(isOpen('user-3', '10.0.0.2'));
  for (let count = 0; count < 50; count++) limits.failed('Ana', `10.1.0.${count}`);
  assert.ok(!isOpen('ana', '10.2.0.1'), 'many addresses');
  await clock.advance(5 * minute + 1);
  assert.ok(isOpen('ana', '10.2.0.1'), 'nobody is locked out for long by others');
  for (let count = 0; count < 30; count++) limits.failed(`v6-${count}`, `2001:db8:1:2::${count}`);
  assert.ok(!isOpen('fresh', '2001:db8:1:2:ffff::1'), 'a household has many addresses');
  assert.ok(isOpen('fresh', '2001:db8:1:3::1'));
});

describe('what one user can have', () => {
  let api: TestApi;
  const clock = new TestClock();
  before(async () => {
    const { installation, close } = await singleInstallation();
    api = await TestApi.start(installation, { close, clock });
    await api.admin();
  });
  after(() => api?.stop());

  test('twenty sessions: the one that was unused for longest ends; one to set a password lasts ten minutes', async () => {
    const { sessions, users } = api.api.services;
    await users.create(users.make({ name: 'ben', source: 'local', grants: everything }));
    const begin = async (setsPassword: boolean) => {
      await clock.advance(1_000);
      return (await sessions.begin({ user: 'ben', setsPassword, ip: '', userAgent: '' })).cookie;
    };
    const first = await begin(false);
    const last: string[] = [];
    for (let count = 0; count < 20; count++) last.push(await begin(false));
    assert.equal(await sessions.find(first), undefined);
    assert.equal((await sessions.list('ben')).length, 20);
    const setting = await begin(true);
    await clock.advance(9 * minute);
    assert.ok(await sessions.find(setting));
    await clock.advance(2 * minute);
    assert.equal(await sessions.find(setting), undefined);
    assert.ok(await sessions.find(last.at(-1) ?? ''));
  });

  test('fifty tokens', async () => {
    const { tokens } = api.api.services;
    const parts = {
      user: 'ben',
      name: 't',
      grants: everything,
      expiresAt: new Date(clock.now()).toISOString(),
    };
    for (let count = 0; count < 50; count++) await tokens.create(parts);
    await assert.rejects(tokens.create(parts), /has 50 tokens already/);
  });

  test('five guesses of the present password, as at a login', async () => {
    const client = api.client();
    await client.login('admin', adminPassword);
    const change = { method: 'PUT', body: { current: 'guessed', password: userPassword } };
    for (let count = 0; count < 5; count++)
      await client.refused(422, 'PasswordRefused', '/session/password', change);
    await client.refused(429, 'LoginThrottled', '/session/password', change);
  });

  test('an entry of the audit log has the beginning of a large object', async () => {
    const { audit } = api.api.services;
    const by = { user: 'ben', ip: '', userAgent: 'x'.repeat(10_000) };
    const change = { action: 'updateSync', object: 'Sync a/b', after: { spec: 'y'.repeat(1 << 20) } };
    await audit.record(by, change, async () => {});
    const [entry] = (await audit.page(undefined, 1, () => true)).items;
    assert.ok(JSON.stringify(entry).length < 20_000);
    assert.deepEqual(Object.keys(entry?.after as object), ['cutOff', 'characters']);
  });
});

test('an unexpected error tells a client nothing of itself', () => {
  const problem = problemOf(bug('cannot read the row {"name":"secret"}'), 'id');
  assert.doesNotMatch(JSON.stringify(problem), /secret|cannot read/);
  assert.equal(problem.status, 500);
});

describe('live streams', () => {
  test('a thousand, whoever they are of', async () => {
    const { installation, close } = await singleInstallation();
    const hub = new LiveHub(installation.view, { onEvent: () => () => {} } as never);
    try {
      const add = (user: string) => hub.add({ user, flush() {} });
      for (let count = 0; count < 1_000; count++) add(`user-${count}`);
      assert.throws(() => add('one more'), /too many live streams/);
    } finally {
      hub.close();
      await close();
    }
  });

  test('nothing is computed for a client that does not read', async () => {
    let computed = 0;
    const large: Topic = {
      name: 'sync/a/b',
      next: () => {
        computed += 1;
        return { topic: 'x'.repeat(16 << 20) };
      },
    };
    const hub = { add: () => () => {}, instance: 'i', generation: 1 } as unknown as LiveHub;
    let stream: LiveStream | undefined;
    const server = createServer((_request, response) => {
      const options = { hub, user: 'x', scope: '*', log: silentLog, topics: [large], lastEventId: undefined };
      stream = new LiveStream({ ...options, isAllowed: async () => true });
      stream.join();
      stream.start(response, {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    try {
      socket.pause();
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await until(() => computed === 1, { what: 'the first message' });
      for (let count = 0; count < 10; count++) stream?.flush();
      assert.equal(computed, 1);
      socket.resume();
      await until(() => computed === 2, { what: 'what is new when it has read' });
    } finally {
      socket.destroy();
      server.close();
      server.closeAllConnections();
    }
  });
});
