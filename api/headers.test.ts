import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { singleInstallation, TestApi } from './test-api.ts';

const wanted = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

test('every answer has the headers that keep a browser from misusing it, errors too', async () => {
  const { installation, close } = await singleInstallation();
  const api = await TestApi.start(installation, { close });
  try {
    const client = api.client();
    for (const path of ['/version', '/openapi.json', '/docs', '/syncs', '/nothing', '/syncs?limit=x']) {
      const { headers } = await client.call(path);
      for (const [name, value] of Object.entries(wanted))
        assert.equal(headers.get(name), value, `${path} ${name}`);
      const policy = headers.get('content-security-policy') ?? '';
      for (const part of [
        "default-src 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
      ])
        assert.ok(policy.includes(part), `${path}: ${policy}`);
      assert.doesNotMatch(policy, /unsafe-|\*|https?:/);
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('strict-transport-security'), null, 'without TLS in front');
      assert.match(
        headers.get('content-type') ?? '',
        /^(application\/(problem\+)?json|text\/html); charset=utf-8$/,
      );
    }
    const docs = await client.call('/docs');
    const [, nonce = ''] =
      /style-src 'nonce-([^']+)'/.exec(docs.headers.get('content-security-policy') ?? '') ?? [];
    assert.ok(String(docs.body).includes(`<style nonce="${nonce}">`));
    assert.doesNotMatch(String(docs.body), /<script/);
    const again = await client.call('/docs');
    assert.ok(!String(again.body).includes(nonce), 'a nonce is used once');
  } finally {
    await api.stop();
  }
  const behind = await singleInstallation();
  const secure = await TestApi.start(behind.installation, {
    close: behind.close,
    externalUrl: new URL('https://idra.example.org'),
  });
  try {
    const { headers } = await secure.client().call('/version');
    assert.equal(headers.get('strict-transport-security'), 'max-age=31536000; includeSubDomains');
  } finally {
    await secure.stop();
  }
});

test('what is not even a request is answered as a problem, with the same headers', async () => {
  const { installation, close } = await singleInstallation();
  const api = await TestApi.start(installation, { close });
  try {
    const { hostname, port } = new URL(api.api.url);
    const answerTo = async (text: string) => {
      const socket = connect(Number(port), hostname);
      socket.write(text);
      let answer = '';
      for await (const part of socket) answer += String(part);
      return answer;
    };
    const host = 'host: 127.0.0.1\r\nconnection: close\r\n';
    const broken = {
      400: `GET /api/v1/syncs/%zz/x HTTP/1.1\r\n${host}\r\n`,
      '400 Bad Request': `NOTHING /api/v1/version HTTP/1.1\r\n${host}\r\n`,
      431: `GET / HTTP/1.1\r\n${host}x: ${'a'.repeat(40_000)}\r\n\r\n`,
    };
    for (const [status, text] of Object.entries(broken)) {
      const answer = await answerTo(text);
      assert.ok(
        answer.startsWith(`HTTP/1.1 ${status} `) || answer.startsWith(`HTTP/1.1 ${status}\r\n`),
        answer,
      );
      for (const [name, value] of Object.entries({ ...wanted, 'content-type': 'application/problem+json' }))
        assert.ok(answer.includes(`\r\n${name}: ${value}`), `${name} of ${answer}`);
      const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { code: string; status: number };
      assert.deepEqual([body.code, body.status], ['RequestMalformed', Number.parseInt(status, 10)]);
    }
  } finally {
    await api.stop();
  }
});

test('the OpenAPI document describes every operation with its answers and who may call it', async () => {
  const { installation, close } = await singleInstallation();
  const api = await TestApi.start(installation, { close, basePath: '/idra' });
  try {
    const { openapi, servers, paths, components } = await api.client().get<{
      openapi: string;
      servers: { url: string }[];
      paths: Record<string, Record<string, { security: unknown[]; responses: object; requestBody?: object }>>;
      components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
    }>('/openapi.json');
    assert.deepEqual([openapi, servers], ['3.1.0', [{ url: '/idra/api/v1' }]]);
    const text = JSON.stringify(paths) + JSON.stringify(components);
    const named = new Set(
      [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? ''),
    );
    for (const name of named) assert.ok(components.schemas[name], name);
    assert.doesNotMatch(text, /\$defs/);
    assert.ok(components.schemas.SyncSpec?.properties?.source, 'the schema of the manifests');
    assert.ok(components.schemas.Token?.properties?.id, 'a property called id');
    assert.deepEqual(paths['/session']?.post?.security, []);
    assert.deepEqual(paths['/users']?.post?.security, [{ session: [], csrf: [] }]);
    assert.deepEqual(paths['/syncs']?.get?.security, [{ session: [] }, { token: [] }]);
  } finally {
    await api.stop();
  }
});
