import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { SystemAccess } from '../../core/connector.ts';
import type { IdraError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { makeCertificates } from '../../e2e/kit/certificates.ts';
import { faultProxy } from '../../e2e/kit/proxy.ts';
import { removeFolder, tempFolder } from '../../e2e/kit/temp.ts';
import { readConfig } from './config.ts';
import { connector } from './connector.ts';
import { S3Session } from './session.ts';
import { readAll, readRequest, rowsOf, signal, sourceOf, TestBucket } from './test-harness.ts';

let bucket: TestBucket;
const servers: Server[] = [];
before(async () => {
  bucket = await TestBucket.open();
});
after(async () => {
  for (const server of servers) server.close();
  await bucket?.stop();
});

function accessWith(
  config: Readonly<Record<string, unknown>>,
  keys: Readonly<Record<string, string>> = {},
): SystemAccess {
  const { config: own, secret, ...access } = bucket.access;
  return {
    ...access,
    config: { ...own, ...config },
    secret: (path) => (keys[path] === undefined ? secret(path) : new Secret(keys[path])),
  };
}

/** A server that answers like this; its endpoint. */
async function serverOf(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('errors distinguish keys, address and bucket, each by its field, and show no secret', async () => {
  const unreachable = { endpoint: 'http://127.0.0.1:1' };
  const cases: readonly [SystemAccess, string, string, string][] = [
    [accessWith({}, { secretAccessKey: 'wrong-secret-key' }), 'PermissionDenied', 'permanent', ''],
    [accessWith(unreachable), 'HostUnreachable', 'transient', 'spec.s3.endpoint'],
    [accessWith({ bucket: 'idra-no-such-bucket' }), 'BucketNotFound', 'permanent', 'spec.s3.bucket'],
  ];
  for (const [access, code, disposition, path] of cases) {
    await assert.rejects(connector.check(access, signal), (error: IdraError) => {
      assert.deepEqual([error.code, error.disposition, error.path ?? ''], [code, disposition, path]);
      assert.doesNotMatch(JSON.stringify([error.message, error.fix]), /wrong-secret-key/);
      return true;
    });
  }
  // A HEAD has no body; other calls say what is wrong.
  const session = new S3Session(accessWith({}, { secretAccessKey: 'wrong-secret-key' }));
  await assert.rejects(session.list({ prefix: '' }, signal), {
    code: 'AuthenticationFailed',
    path: 'spec.s3.secretAccessKeySecretRef',
  });
  const unknown = new S3Session(accessWith({}, { accessKeyId: 'nobody' }));
  await assert.rejects(unknown.list({ prefix: '' }, signal), { path: 'spec.s3.accessKeyIdSecretRef' });
  await Promise.all([session.close(), unknown.close()]);
});

test('one key without the other, and none with an endpoint that is not of AWS, are refused before anything is sent', () => {
  const none = (config: Readonly<Record<string, unknown>>) => ({
    ...accessWith(config),
    secret: () => undefined,
  });
  assert.throws(() => readConfig(none({})), { code: 'CredentialsMissing' });
  assert.throws(() => readConfig(none({ endpoint: 'https://amazonaws.com.example.org' })), {
    code: 'CredentialsMissing',
  });
  assert.throws(() => readConfig(none({ endpoint: 'http://s3.eu-south-1.amazonaws.com' })), {
    code: 'CredentialsMissing',
  });
  const one = {
    ...accessWith({}),
    secret: (path: string) => (path === 'accessKeyId' ? new Secret('id') : undefined),
  };
  assert.throws(() => readConfig(one), { path: 'spec.s3.secretAccessKeySecretRef' });
  const ofAws = readConfig(none({ endpoint: 'https://s3.eu-south-1.amazonaws.com' }));
  assert.deepEqual([ofAws.keys, ofAws.isPathStyle], [undefined, true]);
  assert.equal(readConfig(none({ endpoint: undefined })).isPathStyle, false);
});

test('a redirect is an error: nothing is sent to another host', async () => {
  let others = 0;
  const other = await serverOf((_request, response) => {
    others += 1;
    response.end();
  });
  const endpoint = await serverOf((request, response) => {
    response.writeHead(307, { Location: `${other}${request.url}` }).end();
  });
  const session = new S3Session(accessWith({ endpoint }));
  await assert.rejects(session.list({ prefix: '' }, signal), {
    code: 'RegionWrong',
    disposition: 'permanent',
  });
  await assert.rejects(session.head('x', signal), { code: 'RegionWrong' });
  assert.equal(others, 0);
  await session.close();
});

test('an answer that does not end is cut off', async () => {
  const endpoint = await serverOf((_request, response) => {
    const more = () => {
      while (response.write('<x>'.repeat(20_000)));
      if (!response.destroyed) response.once('drain', more);
    };
    response.on('error', () => {});
    more();
  });
  const session = new S3Session(accessWith({ endpoint }));
  await assert.rejects(session.list({ prefix: '' }, signal), { disposition: 'transient' });
  await session.close();
});

test('TLS: a certificate that is not trusted, and an endpoint that refuses the connection', async () => {
  const folder = await tempFolder('s3-tls');
  const { caFile, certFile, keyFile, otherCaFile } = await makeCertificates(folder);
  const [ca = '', cert = '', key = '', otherCa = ''] = await Promise.all(
    [caFile, certFile, keyFile, otherCaFile].map((file) => readFile(file, 'utf8')),
  );
  for (const [requestCert, trusted, code, path] of [
    [false, otherCa, 'CertificateUntrusted', 'spec.s3.caSecretRef'],
    [true, ca, 'TlsRefused', 'spec.s3.endpoint'],
  ] as const) {
    const options = { ca, cert, key, requestCert, rejectUnauthorized: requestCert };
    const server = createTlsServer(options, (_, response) => response.end());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const session = new S3Session(accessWith({ endpoint }, { ca: trusted }));
    await assert.rejects(session.list({ prefix: '' }, signal), { code, path, disposition: 'permanent' });
    await session.close();
  }
  await removeFolder(folder);
});

test('a waiting call rejects with the reason of its signal', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const endpoint = await serverOf(() => resolve());
  const session = new S3Session(accessWith({ endpoint }));
  const stop = new AbortController();
  const waiting = session.list({ prefix: '' }, stop.signal);
  const reason = new Error('stopped');
  asked.then(() => stop.abort(reason));
  await assert.rejects(waiting, reason);
  await session.close();
});

test('content is continued where a connection was cut', async () => {
  const content = Buffer.alloc(6 * 1_024 ** 2, 'idra ');
  await bucket.put('large', content);
  const { hostname, port } = new URL(bucket.server.endpoint);
  const proxy = await faultProxy(hostname, Number(port));
  const session = new S3Session(accessWith({ endpoint: `http://${proxy.host}:${proxy.port}` }));
  try {
    const body = await session.read('large', {}, signal);
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body.chunks) {
      parts.push(chunk);
      if (bytes < 2 * 1_024 ** 2 && bytes + chunk.length >= 2 * 1_024 ** 2) proxy.cut();
      bytes += chunk.length;
    }
    assert.ok(Buffer.concat(parts).equals(content));
    assert.ok(proxy.accepted > 1);
  } finally {
    await session.close();
    await proxy.stop();
  }
});

test('keys are listed as they are, also where XML cannot carry them', async () => {
  const names = ['\u0001', '\ufffe', '\uffff', '\r', '\n', ' a+b%20 ', '&<', 'e\u0301', '\u{1f600}'];
  const keys = names
    .map((name) => `odd/${name}`)
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  for (const key of keys) await bucket.put(key, 'x');
  const session = new S3Session(bucket.access);
  const found: string[] = [];
  for (let after: string | undefined; found.length < keys.length; after = found.at(-1))
    found.push(
      ...(await session.list({ prefix: 'odd/', after, maxKeys: 2 }, signal)).objects.map(({ key }) => key),
    );
  assert.deepEqual(found, keys);
  const upload = await session.uploads.start('open/\u0001 +', { contentType: '', metadata: {} }, signal);
  assert.deepEqual(await session.uploads.of('open/\u0001 +', signal), [upload]);
  assert.deepEqual(await session.uploads.open('open/\u0001 +', signal).next(), {
    value: 'open/\u0001 +',
    done: false,
  });
  await session.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function pageOf(keys: readonly string[], next?: string): string {
  const objects = keys.map(
    (key) =>
      `<Contents><Key>${key}</Key><ETag>"e"</ETag><Size>9</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
  );
  const more = next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`;
  return `<ListBucketResult><IsTruncated>${next !== undefined}</IsTruncated>${more}${objects.join('')}</ListBucketResult>`;
}

/** A server with these pages, one behind the other, and this content in each object. */
async function listing(pages: readonly string[], content: Answer) {
  const endpoint = await serverOf((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://server');
    const at = Number(searchParams.get('continuation-token') ?? 0);
    if (searchParams.get('list-type') === '2') response.end(pages[at]);
    else if (searchParams.has('uploads')) response.end('<ListMultipartUploadsResult/>');
    else content(request, response);
  });
  const columns = [{ name: 'a', path: 'a', type: 'int64', nullable: true }];
  return await connector.openSource(accessWith({ endpoint }), sourceOf('', { columns }), signal);
}

test('a version that is listed and cannot be read is not taken for one that is gone', async () => {
  const source = await listing([pageOf(['a.jsonl'])], (_request, response) => response.writeHead(412).end());
  const relation = await source.describe(signal);
  for (const mode of ['Stream', 'Snapshot'] as const)
    await assert.rejects(readAll(source.read(readRequest(relation, { mode }), signal)), {
      code: 'ObjectChanged',
      message: /is listed with the ETag "e"/,
    });
  await source.close();
});

test('a list that is not in the order of keys is refused', async () => {
  const source = await listing([pageOf(['a', 'c', 'b'])], (_request, response) => response.end('{"a":1}\n '));
  const relation = await source.describe(signal);
  for (const mode of ['Stream', 'Snapshot'] as const)
    await assert.rejects(readAll(source.read(readRequest(relation, { mode }), signal)), {
      code: 'ListUnordered',
      disposition: 'permanent',
    });
  await source.close();
});

test('a server that sends another part of an object than the one that it was asked for is refused', async () => {
  const endpoint = await serverOf((_request, response) => response.setHeader('ETag', '"e"').end('{"a":1}\n'));
  const session = new S3Session(accessWith({ endpoint }));
  await assert.rejects(session.read('a', { start: 4 }, signal), { code: 'RangeIgnored' });
  await session.close();
});

test('a page without objects is not the end of a list, and not repeated forever', async () => {
  const content: Answer = (_request, response) => response.end('{"a":1}\n ');
  for (const [pages, rows] of [
    [[pageOf([], '1'), pageOf([], '2'), pageOf(['a', 'b'])], 2],
    [[pageOf([], '1'), pageOf([], '1')], undefined],
  ] as const) {
    const source = await listing(pages, content);
    const read = readAll(
      source.read(readRequest(await source.describe(signal), { mode: 'Snapshot' }), signal),
    );
    if (rows === undefined) await assert.rejects(read, { code: 'ListUnordered' });
    else assert.equal(rowsOf((await read).batches).length, rows);
    await source.close();
  }
});
