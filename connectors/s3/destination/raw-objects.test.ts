import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Batch } from '../../../core/batch.ts';
import { installCrashHook } from '../../../core/crash-points.ts';
import type { Offset } from '../../../core/offset.ts';
import type { Row } from '../../../core/values.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import {
  claimWith,
  planFor,
  readAll,
  readRequest,
  rowsOf,
  signal,
  sourceOf,
  TestBucket,
  targetOf,
  twoColumns,
} from '../test-harness.ts';

let bucket: TestBucket;
let prefixes = 0;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => {
  installCrashHook(undefined);
  return bucket?.stop();
});

const raw = { format: 'Raw' } as const;

async function put(
  key: string,
  content: Buffer,
  more: Partial<PutObjectCommand['input']> = {},
): Promise<void> {
  const command = new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: content, ...more });
  await bucket.server.client.send(command);
}

const headOf = (key: string) =>
  bucket.server.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));

/** Both ends of a Sync of whole objects. */
async function ends(maxBytes = 64 << 20, onError: 'Stop' | 'Skip' = 'Stop') {
  const [from, to] = [`raw-in-${++prefixes}/`, `raw-out-${prefixes}/`];
  await put(`${from}first`, Buffer.from('first'));
  const source = await connector.openSource(bucket.access, sourceOf(from, raw), signal);
  const destination = await connector.openDestination(bucket.access, targetOf(to, raw), signal);
  const relation = await source.describe(signal);
  const plan = planFor(relation, null, 'Append', { key: ['key'], onError });
  const read = (after: Offset | null) =>
    readAll(
      source.read(
        readRequest(relation, { mode: 'Stream', after, limits: { maxRows: 100, maxBytes } }),
        signal,
      ),
    );
  const close = () => Promise.all([source.close(), destination.close()]);
  return { from, to, source, destination, plan, read, close };
}

const batchOf = (rows: readonly Row[]): Batch => ({
  rows: { format: 'values', rows },
  rowCount: rows.length,
  byteCount: 1,
  offset: { mode: 'Id', id: '1' },
});

test('objects arrive byte by byte under their own names, also large and empty ones, and once after a crash', async () => {
  const { from, to, destination, plan, read, close } = await ends();
  const large = randomBytes(17 * 2 ** 20);
  await put(`${from}a/é b.png`, Buffer.from([0, 255, 10, 13]), { ContentType: 'image/png' });
  await put(`${from}large`, large);
  await put(`${from}empty`, Buffer.alloc(0));
  const { batches } = await read(null);
  await claimWith(destination, plan, { token: 1n });
  installCrashHook((point) => {
    if (point === 'commit:before') throw new Error('killed here');
  });
  const [first] = batches;
  assert.ok(first);
  await assert.rejects(destination.write(first, signal), /killed here/);
  installCrashHook(undefined);
  await claimWith(destination, plan, { token: 2n });
  for (const batch of batches) await destination.write(batch, signal);
  const names = ['a/é b.png', 'empty', 'first', 'large'];
  assert.deepEqual(
    (await bucket.keys(to)).filter((key) => !key.includes('/_idra/')),
    names.map((name) => to + name),
  );
  for (const name of names) assert.deepEqual(await bucket.get(to + name), await bucket.get(from + name));
  assert.equal((await headOf(`${to}a/é b.png`)).ContentType, 'image/png');
  const [row] = await destination.commitRows('uid-1', signal);
  assert.equal(row?.rows, 4);
  assert.equal(destination.guarantee, 'AtLeastOnce');
  await close();
});

test('an object that has changed replaces its copy, and batches end at their limits', async () => {
  const { from, to, destination, plan, read, close } = await ends(8);
  await put(`${from}second`, Buffer.from('second, and longer than a batch'));
  const { batches } = await read(null);
  assert.deepEqual(
    batches.map(({ rowCount }) => rowCount),
    [1, 1],
  );
  await claimWith(destination, plan);
  for (const batch of batches) await destination.write(batch, signal);
  await put(`${from}second`, Buffer.from('changed'));
  const changed = await read(batches.at(-1)?.offset ?? null);
  assert.deepEqual(
    rowsOf(changed.batches).map(([key]) => key),
    ['second'],
  );
  for (const batch of changed.batches) await destination.write(batch, signal);
  assert.equal(String(await bucket.get(`${to}second`)), 'changed');
  await close();
});

test('an object that an owner with a higher token has written is not replaced', async () => {
  const { to, destination, plan, close } = await ends();
  const successor = await connector.openDestination(bucket.access, targetOf(to, raw), signal);
  await claimWith(destination, plan, { token: 4n });
  await claimWith(successor, plan, { token: 5n });
  await successor.write(batchOf([['x', Buffer.from('newer'), null]]), signal);
  const rows: Row[] = [['x', Buffer.from('older'), null]];
  await assert.rejects(destination.write(batchOf(rows), signal), { disposition: 'fenced' });
  assert.equal(String(await bucket.get(`${to}x`)), 'newer');
  await Promise.all([successor.close(), close()]);
});

test('the token of another Sync says nothing about this one', async () => {
  const { to, destination, plan, close } = await ends();
  const other = await connector.openDestination(bucket.access, targetOf(to, raw), signal);
  await claimWith(other, { ...plan, uid: 'uid-2' }, { token: 9n });
  await other.write(batchOf([['x', Buffer.from('of another'), null]]), signal);
  await claimWith(destination, plan, { token: 1n });
  await destination.write(batchOf([['x', Buffer.from('of this one'), null]]), signal);
  assert.equal(String(await bucket.get(`${to}x`)), 'of this one');
  await Promise.all([other.close(), close()]);
});

test('an object that has its earlier content again replaces its copy again', async () => {
  const { from, to, destination, plan, read, close } = await ends();
  await claimWith(destination, plan);
  let offset: Offset | null = null;
  for (const content of ['first', 'second', 'first']) {
    const second = Math.floor(Date.now() / 1_000);
    await until(() => Math.floor(Date.now() / 1_000) > second, { what: 'the next second' });
    await put(`${from}first`, Buffer.from(content));
    const { batches } = await read(offset);
    for (const batch of batches) await destination.write(batch, signal);
    offset = batches.at(-1)?.offset ?? offset;
    assert.equal(String(await bucket.get(`${to}first`)), content);
  }
  assert.deepEqual((await read(offset)).batches, []);
  await close();
});

test('an object that somebody writes between the look and the write is looked at again', async () => {
  const { to, destination, plan, close } = await ends();
  const successor = await connector.openDestination(bucket.access, targetOf(to, raw), signal);
  await claimWith(destination, plan, { token: 4n });
  const write = (name: string) => destination.write(batchOf([[name, Buffer.from('older'), null]]), signal);
  let tokens = ['5'];
  installCrashHook(async (point) => {
    const [token] = point === 'write:before' ? tokens : [];
    tokens = [];
    if (token === undefined) return;
    if (token !== '1') await claimWith(successor, plan, { token: BigInt(token) });
    for (const name of ['new', 'there'])
      await put(`${to}${name}`, Buffer.from('newer'), { Metadata: { 'idra-token': token } });
  });
  await assert.rejects(write('new'), { disposition: 'fenced' });
  tokens = ['6'];
  await assert.rejects(write('there'), { disposition: 'fenced' });
  assert.equal(String(await bucket.get(`${to}new`)), 'newer');
  await claimWith(destination, plan, { token: 7n });
  await put(`${to}free`, Buffer.from('of others'));
  tokens = ['1'];
  await write('free');
  assert.equal(String(await bucket.get(`${to}free`)), 'older');
  installCrashHook(undefined);
  await Promise.all([successor.close(), close()]);
});

test('rows that are no objects are refused; of one key the last row counts', async () => {
  const { to, destination, plan, close } = await ends(undefined, 'Skip');
  await claimWith(destination, plan);
  const content = Buffer.from('x');
  const rows: Row[] = [
    ['', content, null],
    ['_idra/uid.json', content, null],
    ['b/_idra/uid.json', content, null],
    ['k', Buffer.from('first'), null],
    ['none', null, null],
    ['k'.repeat(1_100), content, null],
    ['half \ud800', content, null],
    ['type', content, 'text/ü'],
    ['break', content, 'text/plain\n'],
    ['a//b', content, null],
    ['../b', content, null],
    ['k'.repeat(300), content, null],
    ['k', Buffer.from('last'), null],
  ];
  const { written, rejected } = await destination.write(batchOf(rows), signal);
  assert.deepEqual([written, rejected], [2, 11]);
  assert.equal(String(await bucket.get(`${to}k`)), 'last');
  await close();
});

test('other columns, other write modes and fields of other formats are refused', async () => {
  const prefix = `raw-out-${++prefixes}/`;
  const destination = await connector.openDestination(bucket.access, targetOf(prefix, raw), signal);
  await assert.rejects(claimWith(destination, planFor(twoColumns, null)), { code: 'ManifestInvalid' });
  const [finding] = await destination.check('Replace', signal);
  assert.equal(finding?.code, 'ManifestInvalid');
  await destination.close();
  for (const more of [
    { compression: 'Gzip' },
    { partitionBy: [{ column: 'key' }] },
    { numbersAsText: true },
  ] as const)
    await assert.rejects(
      connector.openDestination(bucket.access, targetOf(prefix, { ...raw, ...more }), signal),
      {
        code: 'ManifestInvalid',
      },
    );
});
