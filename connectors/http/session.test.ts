import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { ApiServer } from '../../e2e/kit/api/api-server.ts';
import { numberedItems, send } from '../../e2e/kit/api/items.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { SafeCall, Session } from './session.ts';
import { type AccessOptions, textOf as bodyOf, openSession, reference, signal } from './test-harness.ts';

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

test('an answer is read, and its connection is used again', async () => {
  assert.match(await textOf(get('/all/orders')), /"row 3"/);
  await textOf(get('/all/orders'));
  assert.equal(api.openSockets, 1);
  assert.match(String(api.requests[0]?.headers['user-agent']), /^idra\//);
});

test('bodies arrive compressed by gzip, deflate and br', async () => {
  for (const [encoding, compress] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    api.intercept = (_request, response) => {
      send(response, 200, compress('{"a":1}'), { 'content-encoding': encoding });
      return true;
    };
    assert.equal(await textOf(get('/x')), '{"a":1}', encoding);
  }
});

test('credentials are sent as configured', async () => {
  const cases: readonly (readonly [AccessOptions, string])[] = [
    [{ config: { bearerTokenSecretRef: reference }, secrets: { bearerToken: 't0ken' } }, 'Bearer t0ken'],
    [
      { config: { basic: { user: 'u', passwordSecretRef: reference } }, secrets: { 'basic.password': 'p' } },
      'Basic dTpw',
    ],
    [
      {
        config: { headerSecretRefs: { Authorization: reference } },
        secrets: { 'header.Authorization': 'Key k' },
      },
      'Key k',
    ],
  ];
  for (const [options, authorization] of cases) {
    api.authorization = authorization;
    const one = open(options);
    assert.match(await textOf(get('/all/orders'), one), /row 1/);
    one.close();
  }
  await assert.rejects(textOf(get('/all/orders')), {
    code: 'AuthenticationFailed',
    disposition: 'permanent',
    path: 'spec.http',
  });
});

test('a url may have the default port, a name in capitals, and slashes at its end', () => {
  const { base, origin } = openSession('https://API.example.com:443/v2//').config;
  assert.deepEqual([base, origin], ['https://api.example.com/v2', 'https://api.example.com']);
});

test('a credential is not sent without TLS unless that is allowed', () => {
  const options = {
    config: { bearerTokenSecretRef: reference, allowCleartextPassword: false },
    secrets: { bearerToken: 'x' },
  };
  assert.throws(() => open(options), { code: 'CleartextPasswordRefused', path: 'spec.http.url' });
});

test('statuses are told apart: what can succeed later is retried, the rest is not', async () => {
  const classes = {
    400: ['CallRefused', 'permanent', 1],
    403: ['PermissionDenied', 'permanent', 1],
    404: ['TableNotFound', 'permanent', 1],
    410: ['TableNotFound', 'permanent', 1],
    422: ['CallRefused', 'permanent', 1],
    408: ['ServerFailed', 'transient', 4],
    425: ['ServerFailed', 'transient', 4],
    500: ['ServerFailed', 'transient', 4],
    503: ['ServerFailed', 'transient', 4],
  } as const;
  for (const [status, [code, disposition, calls]] of Object.entries(classes)) {
    api.requests.length = 0;
    api.intercept = (_request, response) => {
      send(response, Number(status), '{"row":"secret data"}', { 'retry-after': '0' });
      return true;
    };
    await assert.rejects(textOf(get('/x')), { code, disposition, message: /^(?!.*secret)/ }, status);
    assert.equal(api.requests.length, calls, status);
  }
});

test('a call that may not be repeated is sent once', async () => {
  api.intercept = (_request, response) => {
    send(response, 503, '');
    return true;
  };
  await assert.rejects(textOf(post('/x')), { code: 'ServerFailed' });
  assert.equal(api.requests.length, 1);
  api.intercept = (_request, response) => {
    response.destroy();
    return true;
  };
  await assert.rejects(textOf(post('/x')), { code: 'ConnectionLost', disposition: 'transient' });
  assert.equal(api.requests.length, 2);
});

test('a 429 is retried after the time that it names, also for a call that may not be repeated', async () => {
  let refusals = 2;
  api.intercept = (_request, response) => {
    if (refusals === 0) return false;
    refusals -= 1;
    send(response, 429, '', {
      'retry-after': refusals === 1 ? '0' : new Date(Date.now() - 1_000).toUTCString(),
    });
    return true;
  };
  assert.equal((await session.send(post('/items/orders2'), signal)).status, 400);
  assert.equal(api.requests.length, 3);
});

test('a long pause is not awaited, and nobody else of the DataSource calls meanwhile', async () => {
  api.intercept = (_request, response) => {
    send(response, 429, '', { 'retry-after': '100000' });
    return true;
  };
  await assert.rejects(textOf(get('/x')), {
    code: 'RateLimited',
    disposition: 'transient',
    message: /wait (3600|100000) s/,
  });
  await assert.rejects(textOf(get('/x')), { code: 'RateLimited', message: /wait 3600 s/ });
  assert.equal(api.requests.length, 1);
});

test('OAuth: a token is requested once, used, and renewed when it is refused', async () => {
  let issued = 0;
  api.intercept = (request, response) => {
    if (request.path !== '/token') return false;
    assert.equal(request.headers.authorization, 'Basic aWQlMkYxOnMlM0EyJTI1');
    assert.equal(request.body, 'grant_type=client_credentials&scope=read+write');
    issued += 1;
    api.authorization = `Bearer token${issued}`;
    send(response, 200, `{"access_token":"token${issued}","token_type":"Bearer","expires_in":3600}`);
    return true;
  };
  const one = open({
    config: {
      oauth: {
        tokenUrl: `${api.url}/token`,
        clientIdSecretRef: reference,
        clientSecretSecretRef: reference,
        scopes: ['read', 'write'],
      },
    },
    secrets: { 'oauth.clientId': 'id/1', 'oauth.clientSecret': 's:2%' },
  });
  await Promise.all([textOf(get('/all/orders'), one), textOf(get('/all/orders'), one)]);
  assert.equal(issued, 1);
  api.authorization = 'Bearer revoked';
  assert.match(await textOf(get('/all/orders'), one), /row 1/);
  assert.equal(issued, 2);
  one.close();
});

test('OAuth: a refused client is an error of the credentials, and shows no more than its code', async () => {
  api.intercept = (_request, response) => {
    send(response, 400, '{"error":"invalid_client","error_description":"the secret s3cret is wrong"}');
    return true;
  };
  const one = open({
    config: {
      oauth: {
        tokenUrl: `${api.url}/token`,
        clientIdSecretRef: reference,
        clientSecretSecretRef: reference,
        clientAuthentication: 'Body',
      },
    },
    secrets: { 'oauth.clientId': 'id', 'oauth.clientSecret': 's3cret' },
  });
  const message = /: the token endpoint refuses the client \(invalid_client\)$/;
  await assert.rejects(textOf(get('/x'), one), {
    code: 'AuthenticationFailed',
    path: 'spec.http.oauth',
    message,
  });
  one.close();
});

test('an unreachable host and a connection that ends are transient', async () => {
  const url = new URL('http://127.0.0.1:1/');
  await assert.rejects(session.send({ ...get('/'), url, isRepeatable: false }, signal), {
    code: 'HostUnreachable',
    disposition: 'transient',
    path: 'spec.http.url',
  });
  api.intercept = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('[1,');
    setImmediate(() => response.destroy());
    return true;
  };
  await assert.rejects(textOf(get('/x')), { code: 'ConnectionLost', disposition: 'transient' });
});

test('every wait ends with the reason of the signal', async () => {
  const stop = new AbortController();
  api.intercept = () => true;
  const waiting = session.send(get('/never'), stop.signal);
  await until(async () => api.requests.length === 1, { what: 'the request' });
  const reason = new Error('stopped');
  stop.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(session.send(get('/never'), stop.signal), reason);
  await until(async () => api.openSockets === 0, { what: 'the connection to be closed' });
});

test('the body of an answer ends with the reason of the signal', async () => {
  const stop = new AbortController();
  api.intercept = (_request, response) => {
    response.writeHead(200);
    response.write('[1,');
    return true;
  };
  const answer = await session.send(get('/slow'), stop.signal);
  const body = answer.body();
  assert.equal(String((await body.next()).value), '[1,');
  const next = body.next();
  const reason = new Error('stopped');
  stop.abort(reason);
  await assert.rejects(next, reason);
  await until(async () => api.openSockets === 0, { what: 'the connection to be closed' });
});
