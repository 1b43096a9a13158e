import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { SystemAccess } from '../../core/connector.ts';
import type { IdraError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { connector } from './connector.ts';
import { signal, targetOf } from './test-harness.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Behavior {
  readonly ignoresConditions?: boolean;
  /** Answers these methods with AccessDenied. */
  readonly denies?: readonly string[];
}

/** An endpoint with objects in memory, which does not check signatures. */
async function endpointOf({ ignoresConditions, denies = [] }: Behavior): Promise<SystemAccess> {
  const objects = new Map<string, Buffer>();
  const etagOf = (bytes: Buffer | undefined) => bytes && `"${createHash('md5').update(bytes).digest('hex')}"`;
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const error = (status: number, code: string) =>
      response
        .writeHead(status, { 'Content-Type': 'application/xml' })
        .end(`<Error><Code>${code}</Code></Error>`);
    const method = searchParams.has('delete') ? 'DELETE' : (request.method ?? '');
    const action = searchParams.has('list-type') ? 'LIST' : searchParams.has('uploads') ? 'UPLOADS' : method;
    if (denies.includes(action)) return error(403, 'AccessDenied');
    const found = objects.get(pathname);
    if (action === 'LIST') return response.end('<ListBucketResult></ListBucketResult>');
    if (action === 'GET')
      return found ? response.writeHead(200, { ETag: etagOf(found) }).end(found) : error(404, 'NoSuchKey');
    if (action !== 'PUT') return response.end('<DeleteResult></DeleteResult>');
    const { 'if-none-match': none, 'if-match': match } = request.headers;
    const isTrue = (none === undefined || !found) && (match === undefined || match === etagOf(found));
    if (!isTrue && !ignoresConditions) return error(412, 'PreconditionFailed');
    objects.set(pathname, body);
    response.writeHead(200, { ETag: etagOf(body) }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    dataSource: 'test/lake',
    config: { bucket: 'lake', region: 'us-east-1', endpoint },
    secret: () => new Secret('k'),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of request) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}

async function findingsOf(behavior: Behavior) {
  const destination = await connector.openDestination(await endpointOf(behavior), targetOf('out/'), signal);
  const findings = await destination.check('Append', signal);
  await destination.close();
  return findings;
}

test('an endpoint that ignores the conditions of a write is refused as a destination', async () => {
  assert.deepEqual(await findingsOf({}), []);
  const [finding] = await findingsOf({ ignoresConditions: true });
  assert.deepEqual([finding?.severity, finding?.code], ['error', 'ConditionalWritesMissing']);
});

test('a missing right is named, with the statement of a policy that allows it', async () => {
  for (const [denied, pattern] of [
    ['LIST', /"s3:ListBucket".*"arn:aws:s3:::lake"/],
    ['PUT', /"s3:PutObject".*"arn:aws:s3:::lake\/out\/\*"/],
    ['GET', /"s3:GetObject"/],
  ] as const) {
    const [finding] = await findingsOf({ denies: [denied] });
    assert.deepEqual([finding?.severity, finding?.code], ['error', 'PermissionDenied'], denied);
    assert.match(finding?.fix ?? '', pattern);
  }
  const source = await connector.openSource(
    await endpointOf({ denies: ['LIST'] }),
    { prefix: 'in/' },
    signal,
  );
  const [finding] = await source.check('Stream', signal);
  assert.match(finding?.fix ?? '', /s3:ListBucket/);
  await source.close();
  const unknowing = await connector.openSource(
    await endpointOf({ denies: ['UPLOADS'] }),
    { prefix: 'in/' },
    signal,
  );
  const findings = await unknowing.check('Stream', signal);
  assert.deepEqual(
    findings.map(({ severity, code }) => [severity, code]),
    [['warning', 'UploadsUnknown']],
  );
  assert.match(findings[0]?.fix ?? '', /"s3:ListBucketMultipartUploads".*"arn:aws:s3:::lake"/);
  assert.deepEqual(await unknowing.check('Snapshot', signal), []);
  await unknowing.close();
});

test('formats and compressions of other systems are refused, not read as something else', async () => {
  const access = await endpointOf({});
  const wrong = [
    [{ format: 'Raw', compression: 'Gzip' }, 'compression', /no meaning with format Raw/],
    [{ format: 'Avro' }, 'format', /JSONLines, CSV, Parquet/],
    [{ compression: 'Snappy' }, 'compression', /None, Gzip, Zstd/],
    [{ format: 'Parquet', compression: 'LZ4' }, 'compression', /Snappy/],
  ] as const;
  for (const [fields, field, pattern] of wrong)
    for (const end of ['source', 'destination'] as const)
      await assert.rejects(
        async () =>
          end === 'source'
            ? await connector.openSource(access, { prefix: 'in/', ...fields }, signal)
            : await connector.openDestination(access, targetOf('out/', fields), signal),
        (error: IdraError) => {
          assert.deepEqual([error.code, error.path], ['ManifestInvalid', `spec.${end}.${field}`]);
          assert.match(`${error.message} ${error.fix}`, pattern);
          return true;
        },
      );
});
