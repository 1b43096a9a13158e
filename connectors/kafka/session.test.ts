import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { SystemAccess } from '../../core/connector.ts';
import { freePort } from '../../e2e/kit/free-port.ts';
import { type KafkaOptions, type KafkaServer, kafka } from '../../e2e/kit/servers.ts';
import { connector } from './connector.ts';
import { accessTo, noSignal } from './test-harness.ts';

async function withServer(
  options: KafkaOptions,
  body: (server: KafkaServer) => Promise<void>,
): Promise<void> {
  const server = await kafka(options);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

const check = (access: SystemAccess) => connector.check(access, noSignal);
const permanent = (code: string) => ({ code, disposition: 'permanent' });

for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
  test(`${mechanism}: the password logs in without being sent, and a wrong one is refused`, async () => {
    await withServer({ sasl: mechanism }, async (server) => {
      const access = (password: string) =>
        accessTo(server, { sasl: { mechanism, user: 'admin' } }, { 'sasl.password': password });
      assert.match((await check(access(server.password))).version, /^Kafka \d/);
      await assert.rejects(check(access('wrong')), {
        ...permanent('AuthenticationFailed'),
        path: 'spec.kafka.sasl.passwordSecretRef',
      });
      const other = mechanism === 'SCRAM-SHA-256' ? 'SCRAM-SHA-512' : 'SCRAM-SHA-256';
      await assert.rejects(
        check(accessTo(server, { sasl: { mechanism: other, user: 'admin' } }, { 'sasl.password': 'x' })),
        { ...permanent('AuthenticationFailed'), path: 'spec.kafka.sasl.mechanism' },
      );
    });
  });
}

test('TLS: certificates are verified as tls.mode says, and PLAIN is sent only where nobody can read it', async () => {
  await withServer({ sasl: 'PLAIN', tls: true }, async (server) => {
    const { certificates, password } = server;
    assert.ok(certificates);
    const [ca, otherCa] = await Promise.all(
      [certificates.caFile, certificates.otherCaFile].map((file) => readFile(file, 'utf8')),
    );
    const sasl = { mechanism: 'PLAIN', user: 'admin' };
    const access = (mode: string, more: Record<string, string> = {}, config: object = {}) =>
      accessTo(server, { sasl, tls: { mode }, ...config }, { 'sasl.password': password, ...more });
    await check(access('VerifyFull', { 'tls.ca': ca ?? '' }));
    await check(access('VerifyCA', { 'tls.ca': ca ?? '' }));
    assert.deepEqual(
      (await check(access('Require'))).findings.map(({ code }) => code),
      ['ServerNotVerified'],
    );
    await assert.rejects(
      check(access('VerifyFull', { 'tls.ca': otherCa ?? '' })),
      permanent('CertificateUntrusted'),
    );
    await assert.rejects(check(access('VerifyFull')), permanent('CertificateUntrusted'));
    await assert.rejects(check(access('Prefer')), permanent('CleartextPasswordRefused'));
    await assert.rejects(check(access('Disable')), permanent('CleartextPasswordRefused'));
    await check(access('Prefer', {}, { allowCleartextPassword: true }));
    await assert.rejects(
      check(access('Require', { 'sasl.password': 'wrong' })),
      permanent('AuthenticationFailed'),
    );
  });
});

test('mutual TLS: a client certificate of the authority is needed', async () => {
  await withServer({ tls: 'mutual' }, async (server) => {
    const { certificates } = server;
    assert.ok(certificates);
    const [ca = '', cert = '', key = ''] = await Promise.all(
      [certificates.caFile, certificates.clientCertFile, certificates.clientKeyFile].map((file) =>
        readFile(file, 'utf8'),
      ),
    );
    const access = (secrets: Record<string, string>) =>
      accessTo(server, { tls: { mode: 'VerifyFull' } }, secrets);
    await check(access({ 'tls.ca': ca, 'tls.cert': cert, 'tls.key': key }));
    await assert.rejects(check(access({ 'tls.ca': ca })), { disposition: /transient|permanent/ });
  });
});

test('OAUTHBEARER: tokens come from the token endpoint by client credentials', async () => {
  const asked: string[] = [];
  const endpoint = await tokenEndpoint(asked);
  try {
    await withServer({ sasl: 'OAUTHBEARER' }, async (server) => {
      const tokenUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
      const access = (secret: string, scope: string) =>
        accessTo(
          server,
          {
            sasl: { mechanism: 'OAUTHBEARER', oauth: { tokenUrl, scopes: [scope], ...references } },
            allowCleartextPassword: true,
          },
          { 'sasl.oauth.clientId': 'idra', 'sasl.oauth.clientSecret': secret },
        );
      await check(access('right', 'admin'));
      await check(access('right', 'admin'));
      assert.deepEqual(asked, ['grant_type=client_credentials&scope=admin']);
      await assert.rejects(check(access('wrong', 'admin')), permanent('AuthenticationFailed'));
      // The endpoint issues a token that has ended.
      await assert.rejects(check(access('right', 'ended')), permanent('AuthenticationFailed'));
    });
  } finally {
    endpoint.close();
  }
});

const reference = { name: 's', key: 'k' };
const references = { clientIdSecretRef: reference, clientSecretSecretRef: reference };

/** Issues tokens that are not signed, as a broker for tests accepts. */
async function tokenEndpoint(asked: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const isRight =
        request.headers.authorization === `Basic ${Buffer.from('idra:right').toString('base64')}`;
      if (isRight && body.includes('admin')) asked.push(body);
      const seconds = Math.floor(Date.now() / 1_000);
      const end = body.includes('ended') ? seconds - 1_000 : seconds + 3_600;
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const token = `${part({ alg: 'none' })}.${part({ sub: 'admin', iat: end - 3_600, exp: end, scope: 'x' })}.`;
      response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(isRight ? { access_token: token, expires_in: 3_600 } : { error: 'invalid_client' }),
      );
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

test('a broker without TLS is used without it by Prefer, and not by Require; an address that nobody has is unreachable', async () => {
  await withServer({}, async (server) => {
    await check(accessTo(server, { tls: { mode: 'Prefer' } }));
    await assert.rejects(check(accessTo(server, { tls: { mode: 'Require' } })));
    const nobody = [`127.0.0.1:${await freePort()}`];
    await assert.rejects(check(accessTo({ brokers: nobody })), {
      code: 'HostUnreachable',
      disposition: 'transient',
      path: 'spec.kafka.brokers',
    });
    // One broker that is down among others.
    await check(accessTo({ brokers: [...nobody, ...server.brokers] }));
  });
});
