import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { numberedItems, send } from '../../../e2e/kit/api/items.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { type SafeCall, Session } from '../session.ts';
import { type AccessOptions, access, textOf as bodyOf, openSession, signal } from '../test-harness.ts';

let api: ApiServer;
let session: Session;
before(async () => {
  api = await ApiServer.start();
  api.collection('orders').push(...numberedItems(1, 3));
});
after(async () => {
  session?.close();
  await api.stop();
});
beforeEach(() => {
  session?.close();
  api.intercept = undefined;
  api.authorization = undefined;
  api.requests.length = 0;
  session = open();
});

const open = (options?: AccessOptions): Session => openSession(api.url, options);

const get = (path: string): SafeCall => ({
  method: 'GET',
  url: new URL(path, api.url),
  name: `GET ${path}`,
  isRepeatable: true,
});
const post = (path: string, isRepeatable = false): SafeCall => ({
  ...get(path),
  method: 'POST',
  name: `POST ${path}`,
  isRepeatable,
});

const textOf = (call: SafeCall, from = session) => bodyOf(from, call);

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('redirects are followed within the origin, and nowhere else', async () => {
  const asked: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end('{}');
  });
  const elsewhere = await listening(other);
  const redirect = (to: string, status = 302) => {
    api.intercept = (request, response) => {
      if (request.path !== '/old') return false;
      send(response, status, '', { location: to });
      return true;
    };
  };
  redirect('/all/orders', 308);
  assert.match(await textOf(get('/old')), /row 1/);
  for (const target of [
    elsewhere,
    'http://169.254.169.254/latest/meta-data/',
    '//evil.example/x',
    '/old',
    'http://[',
  ]) {
    redirect(target);
    await assert.rejects(textOf(get('/old')), { code: 'RedirectRefused', disposition: 'permanent' }, target);
  }
  await assert.rejects(textOf(post('/old', true)), { code: 'RedirectRefused' });
  assert.deepEqual(asked, []);
  other.close();
});

test('a name that resolves to a private or metadata address is refused when it is connected', async () => {
  for (const [address, allowPrivateAddresses] of [
    ['127.0.0.1', false],
    ['169.254.169.254', true],
  ] as const) {
    const one = new Session(access('http://rebound.example', { config: { allowPrivateAddresses } }), {
      resolve: (_host, _options, callback) => callback(null, [{ address, family: 4 }]),
    });
    const call = { ...get('/'), url: new URL('http://rebound.example/') };
    await assert.rejects(
      one.send(call, signal),
      { code: 'AddressRefused', disposition: 'permanent' },
      address,
    );
    one.close();
  }
});

test('an address that is refused gets no connection, whatever its form', async () => {
  const one = open({ config: { allowPrivateAddresses: false } });
  await until(async () => api.openSockets === 0, { what: 'earlier connections to be closed' });
  const { port } = api;
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f000001', '[::ffff:127.0.0.1]']) {
    const url = new URL(`http://${host}:${port}/all/orders`);
    await assert.rejects(one.send({ ...get('/'), url }, signal), { code: 'AddressRefused' }, host);
  }
  assert.equal(api.openSockets, 0);
  one.close();
});
