import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, RowList } from '../../../core/batch.ts';
import type { Row } from '../../../core/values.ts';
import { faultProxy } from '../../../e2e/kit/proxy.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import { S3Session } from '../session.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf, twoColumns } from '../test-harness.ts';
import { type Manifest, readList } from './commit-rows.ts';
import { deleteObsolete, sealed } from './object-sets.ts';

let bucket: TestBucket;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

/** Rows that are encoded in several turns. `seen` is called for each. */
function manyRows(seen: (id: number) => void): Batch {
  const rowCount = 20_000;
  function* made(): Generator<Row> {
    for (let id = 1; id <= rowCount; id++) {
      seen(id);
      yield [BigInt(id), `row ${id}`];
    }
  }
  const rows: RowList = { length: rowCount, at: () => undefined, [Symbol.iterator]: made };
  return { ...batchOf([], rowCount), rows: { format: 'values', rows }, rowCount };
}

const keysIn = async (prefix: string) => (await bucket.keys(prefix)).filter((key) => !key.endsWith('.json'));

test('the intent of a batch is stored before its object, while its rows are encoded', async () => {
  const destination = await connector.openDestination(bucket.access, targetOf('intent/'), signal);
  await claimWith(destination, planFor(twoColumns, null));
  let intents: Promise<readonly string[]> | undefined;
  const batch = manyRows((id) => {
    if (id === 20_000) intents = keysIn('intent/');
  });
  await destination.write(batch, signal);
  for (const key of (await intents) ?? []) assert.match(key, /\/_idra\/uid-1\/intent-[0-9a-f]{16}-0$/);
  const [intent = '', ...objects] = await keysIn('intent/');
  assert.deepEqual((await bucket.json(intent)).keys, objects);
  await destination.close();
});

test('a batch whose intent cannot be stored fails, and nothing is written', async () => {
  const destination = await connector.openDestination(bucket.access, targetOf('failed/'), signal);
  await claimWith(destination, planFor(twoColumns, null));
  const stop = new AbortController();
  const batch = manyRows((id) => {
    if (id === 10) stop.abort(new Error('stopped here'));
  });
  await assert.rejects(destination.write(batch, stop.signal), /stopped here/);
  // A rejection that nobody awaits would end the process by now.
  await pause(0);
  const objects = (await keysIn('failed/')).filter((key) => !key.includes('/_idra/'));
  assert.deepEqual(objects, []);
  await destination.close();
});

test('a batch waits for its intent: a late one would replace that of the next batch', async () => {
  const prefix = 'waits/';
  const proxy = await faultProxy('127.0.0.1', Number(new URL(bucket.server.endpoint).port));
  const config = { ...bucket.access.config, endpoint: `http://127.0.0.1:${proxy.port}` };
  const destination = await connector.openDestination({ ...bucket.access, config }, targetOf(prefix), signal);
  await claimWith(destination, planFor(twoColumns, null));
  // The first batch stores an intent, but no row of it is written.
  const isIntent = (data: Buffer) => data.includes(`PUT /${bucket.name}/${prefix}_idra/uid-1/intent-`);
  let isSent = false;
  proxy.onClientData((data) => {
    if (!isIntent(data)) return;
    isSent = true;
    proxy.pause('toClient');
  });
  const none = manyRows((id) => {
    if (id === 10) throw new Error('this row cannot be read');
  });
  let isOver = false;
  const writing = destination.write(none, signal).finally(() => {
    isOver = true;
  });
  writing.catch(() => {});
  await until(() => isSent, { what: 'the intent is sent' });
  for (let turn = 0; turn < 100; turn++) await pause(1);
  assert.equal(isOver, false);
  proxy.heal();
  await assert.rejects(writing, /cannot be read/);
  await destination.close();
  await proxy.stop();
});

test('a batch that becomes more objects than its size promised has an intent for each', async () => {
  const object = targetOf('more/', { objectSize: '1Ki' });
  const destination = await connector.openDestination(bucket.access, object, signal);
  await claimWith(destination, planFor(twoColumns, null));
  const ids = Array.from({ length: 50 }, (_, index) => index + 1);
  await destination.write(batchOf(ids, 50), signal);
  const [intent = '', ...objects] = await keysIn('more/');
  assert.equal(objects.length, 2);
  assert.deepEqual((await bucket.json(intent)).keys, objects);
  await destination.close();
});

test('each batch of a pass that is committed as a whole has its own intent, until the pass is', async () => {
  const open = () => connector.openDestination(bucket.access, targetOf('whole/'), signal);
  const plan = planFor(twoColumns, null);
  const [destination, successor] = [await open(), await open()];
  await claimWith(destination, plan);
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  for (const id of [1, 2]) await destination.write(batchOf([id], 1), signal);
  assert.equal((await keysIn('whole/_idra/')).length, 2);
  await claimWith(successor, plan);
  assert.deepEqual(
    (await keysIn('whole/')).filter((key) => !key.includes('/_idra/')),
    [],
  );
  await successor.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  for (const id of [1, 2]) await successor.write(batchOf([id], 1), signal);
  await successor.endPass(null, signal);
  // Those of the owner before it.
  assert.equal((await keysIn('whole/_idra/')).length, 2);
  await Promise.all([destination.close(), successor.close()]);
});

test('rows whose folder makes a key that is too long are refused', async () => {
  const partitionBy = [{ column: 'body' }, { column: 'body' }, { column: 'body' }, { column: 'body' }];
  const object = targetOf('long/', { partitionBy });
  const destination = await connector.openDestination(bucket.access, object, signal);
  await claimWith(destination, planFor(twoColumns, null, 'Append', { onError: 'Skip' }));
  const rows = ['y'.repeat(200), 'y'.repeat(230), 'é'.repeat(50)].map((body, id): Row => [BigInt(id), body]);
  const { written, rejections } = await destination.write(
    { ...batchOf([1, 2], 2), rows: { format: 'values', rows } },
    signal,
  );
  assert.deepEqual(
    [written, rejections.map(({ code, column }) => [code, column])],
    [
      1,
      [
        ['ValueNotKept', 'body'],
        ['ValueNotKept', 'body'],
      ],
    ],
  );
  await destination.close();
});

test('a list of objects is never written over by another owner that had the same number of commits', async () => {
  const session = new S3Session(bucket.access);
  const setOf = (owner: string) => ({
    objects: Array.from({ length: 2_001 }, (_, index) => ({
      key: `${owner}/uid-1-0000000001-0123456789ab-${index}`,
      rows: 1,
      bytes: 1,
    })),
    lists: [],
  });
  const seal = (owner: string) => sealed(session, 'lists/', 'uid-1', setOf(owner), signal);
  const [list] = (await seal('successor')).lists;
  await seal('stopped');
  const [first] = await readList(session, list?.key ?? '', signal);
  assert.match(first?.key ?? '', /^successor/);
  await session.close();
});

test('what a claim has adopted is closed by the next one, if it could not do so itself', async () => {
  const prefix = 'adopted/';
  const plan = planFor(twoColumns, null);
  const first = await connector.openDestination(bucket.access, targetOf(prefix), signal);
  await claimWith(first, plan, { token: 1n });
  await first.write(batchOf([1], 1), signal);
  const proxy = await faultProxy('127.0.0.1', Number(new URL(bucket.server.endpoint).port));
  const config = { ...bucket.access.config, endpoint: `http://127.0.0.1:${proxy.port}` };
  const next = await connector.openDestination({ ...bucket.access, config }, targetOf(prefix), signal);
  let puts = 0;
  proxy.onClientData((data) => {
    if (data.includes(`PUT /${bucket.name}/${prefix}_idra/uid-1.json`)) puts += 1;
    return puts > 1 ? 'close' : 'forward';
  });
  const other = { ...plan, uid: 'uid-2' };
  await assert.rejects(claimWith(next, other, { token: 2n, adoptFrom: 'uid-1' }), {
    disposition: 'transient',
  });
  const isClosed = async () =>
    new Map((await first.commitRows('', signal)).map((row) => [row.uid, row.isClosed] as const));
  assert.deepEqual(
    await isClosed(),
    new Map([
      ['uid-1', false],
      ['uid-2', false],
    ]),
  );
  proxy.heal();
  const { offset } = await claimWith(next, other, { token: 3n });
  assert.match(offset ?? '', /"id":"1"/);
  assert.deepEqual(
    await isClosed(),
    new Map([
      ['uid-1', true],
      ['uid-2', false],
    ]),
  );
  await Promise.all([first.close(), next.close()]);
  await proxy.stop();
});

test('objects that a Replace has put out of use are deleted after an hour, with their lists', async () => {
  const session = new S3Session(bucket.access);
  const nowMs = Date.now();
  const setOf = (name: string, minutes: number) => ({
    objects: [{ key: `old/${name}`, rows: 1, bytes: 1 }],
    lists: [{ key: `old/list-${name}`, objects: 1, rows: 1, first: 1, last: 1 }],
    since: new Date(nowMs - minutes * 60_000).toISOString(),
  });
  for (const name of ['due', 'recent']) {
    for (const key of [name, `listed-${name}`]) await bucket.put(`old/${key}`, 'x');
    const listed = [{ key: `old/listed-${name}`, rows: 1, bytes: 1 }];
    await bucket.put(`old/list-${name}`, JSON.stringify(listed));
  }
  const obsolete = [setOf('due', 61), setOf('recent', 59)];
  const kept = await deleteObsolete(session, { obsolete } as unknown as Manifest, nowMs, signal);
  assert.deepEqual(kept, [obsolete[1]]);
  assert.deepEqual(await bucket.keys('old/'), ['old/list-recent', 'old/listed-recent', 'old/recent']);
  await session.close();
});

test('a claim refuses other columns than those that were planned for, and an owner what others have changed', async () => {
  const prefix = 'changed/';
  const open = () => connector.openDestination(bucket.access, targetOf(prefix), signal);
  const [destination, other] = [await open(), await open()];
  await claimWith(destination, planFor(twoColumns, null), { token: 3n });
  await destination.write(batchOf([1], 1), signal);
  const existing = await destination.describe(signal);
  assert.ok(existing);
  const columns = existing.columns.map((column) => ({ ...column, nativeType: 'bytes' }));
  const planned = { ...planFor(twoColumns, existing), existing: { ...existing, columns } };
  await assert.rejects(claimWith(other, planned, { token: 3n }), { code: 'SchemaChanged' });
  await assert.rejects(other.closeRows('uid-1', 2n, signal), { disposition: 'fenced' });
  const [row] = await other.commitRows('uid-1', signal);
  const moved = { uid: 'uid-1', expected: row?.offset ?? null, offset: null, token: 3n };
  await other.setOffset(moved, signal);
  await assert.rejects(destination.write(batchOf([2], 2), signal), { code: 'OffsetMoved' });
  await Promise.all([destination.close(), other.close()]);
});
