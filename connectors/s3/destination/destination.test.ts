import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { decodeStored } from '../../../core/offset.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import type { Relation, Row } from '../../../core/values.ts';
import { connector } from '../connector.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf, twoColumns } from '../test-harness.ts';
import type { WrittenObject } from './commit-rows.ts';

let bucket: TestBucket;
let prefixes = 0;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => {
  installCrashHook(undefined);
  return bucket?.stop();
});

const newPrefix = () => `out-${++prefixes}/`;
const opened = (prefix: string, more: Partial<DestinationObject> = {}) =>
  connector.openDestination(bucket.access, targetOf(prefix, more), signal);

async function manifestOf(prefix: string) {
  return (await bucket.json(`${prefix}_idra/uid-1.json`)) as {
    objects: WrittenObject[];
    lists: { key: string; objects: number }[];
    offset: string;
    token: string;
    rows: number;
    closed: boolean;
  };
}

/** Ids of the rows that readers of the manifest find. */
async function committedIds(prefix: string): Promise<number[]> {
  const found: number[] = [];
  for (const { key } of (await manifestOf(prefix)).objects)
    for (const line of (await bucket.get(key)).toString().trim().split('\n'))
      found.push(Number(JSON.parse(line).id));
  return found;
}

/** Objects of rows that are there, committed or not. */
async function objectKeys(prefix: string): Promise<string[]> {
  return (await bucket.keys(prefix)).filter((key) => !key.includes('/_idra/'));
}

test('rows, offset and token are committed by one write of the manifest', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix);
  await claimWith(destination, planFor(twoColumns, null), { token: 7n });
  await destination.write(batchOf([1, 2], 2), signal);
  const { totalRows } = await destination.write(batchOf([3], 3), signal);
  assert.equal(totalRows, 3);
  const { token, rows, offset } = await manifestOf(prefix);
  assert.deepEqual([token, rows, decodeStored(offset)], ['7', 3, { mode: 'Id', id: '3' }]);
  assert.deepEqual(await committedIds(prefix), [1, 2, 3]);
  await destination.close();
});

test('an owner that ends before its commit has added no row, and the next claim deletes its objects', async () => {
  const prefix = newPrefix();
  const first = await opened(prefix);
  await claimWith(first, planFor(twoColumns, null), { token: 1n });
  await first.write(batchOf([1], 1), signal);
  installCrashHook((point) => {
    if (point === 'commit:before') throw new Error('killed here');
  });
  await assert.rejects(first.write(batchOf([2, 3], 3), signal), /killed here/);
  installCrashHook(undefined);
  assert.equal((await objectKeys(prefix)).length, 2);
  await first.close();
  const next = await opened(prefix);
  const { offset } = await claimWith(next, planFor(twoColumns, await next.describe(signal)), { token: 2n });
  assert.deepEqual(decodeStored(offset), { mode: 'Id', id: '1' });
  assert.equal((await objectKeys(prefix)).length, 1);
  await next.write(batchOf([2, 3], 3), signal);
  assert.deepEqual(await committedIds(prefix), [1, 2, 3]);
  await next.close();
});

test('of two owners only the one with the higher token commits, and none writes over an object of the other', async () => {
  const prefix = newPrefix();
  const old = await opened(prefix);
  await claimWith(old, planFor(twoColumns, null), { token: 1n });
  await old.write(batchOf([1], 1), signal);
  const paused = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  installCrashHook((point) => {
    if (point !== 'commit:before') return;
    installCrashHook(undefined);
    paused.resolve();
    return released.promise;
  });
  const late = old.write(batchOf([2, 2], 2), signal);
  late.catch(() => {});
  await paused.promise;
  const next = await opened(prefix);
  await claimWith(next, planFor(twoColumns, await next.describe(signal)), { token: 2n });
  await next.write(batchOf([2], 2), signal);
  released.resolve();
  await assert.rejects(late, { disposition: 'fenced' });
  await assert.rejects(old.write(batchOf([3], 3), signal), { disposition: 'fenced' });
  await assert.rejects(claimWith(old, planFor(twoColumns, null), { token: 1n }), { disposition: 'fenced' });
  assert.deepEqual(await committedIds(prefix), [1, 2]);
  await Promise.all([old.close(), next.close()]);
});

test('Replace swaps the set of objects when it is complete, and keeps the old one for readers for a while', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix);
  const plan = planFor(twoColumns, null, 'Replace');
  await claimWith(destination, plan);
  const pass = async (number: number, ids: readonly number[]) => {
    await destination.beginPass({ pass: number, isResumed: false, isAtomic: false }, signal);
    const offset = { mode: 'Snapshot', pass: number, key: ['k'], isComplete: false } as const;
    await destination.write({ ...batchOf(ids, 0), offset }, signal);
    if (number === 2) assert.deepEqual(await committedIds(prefix), [1, 2]);
    await destination.endPass({ ...offset, key: null, isComplete: true }, signal);
  };
  await pass(1, [1, 2]);
  assert.deepEqual(await committedIds(prefix), [1, 2]);
  await pass(2, [5, 6, 7]);
  assert.deepEqual(await committedIds(prefix), [5, 6, 7]);
  assert.equal((await objectKeys(prefix)).length, 2);
  await destination.close();
});

test('a pass that is one transaction is committed at its end, or not at all', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix);
  await claimWith(destination, planFor(twoColumns, null));
  const start = { pass: 1, isResumed: false, isAtomic: true };
  const offset = { mode: 'Snapshot', pass: 1, key: null, isComplete: true } as const;
  await destination.beginPass(start, signal);
  await destination.write(batchOf([1], 1), signal);
  await destination.write(batchOf([2], 2), signal);
  assert.deepEqual((await manifestOf(prefix)).objects, []);
  await destination.endPass(offset, signal);
  assert.deepEqual(await committedIds(prefix), [1, 2]);
  await destination.beginPass({ ...start, pass: 2 }, signal);
  await destination.write(batchOf([3], 3), signal);
  await destination.close();
  const next = await opened(prefix);
  await claimWith(next, planFor(twoColumns, await next.describe(signal)));
  assert.deepEqual(await committedIds(prefix), [1, 2]);
  assert.equal((await objectKeys(prefix)).length, 2);
  await next.close();
});

test('partitions are folders in the style of Hive', async () => {
  const prefix = newPrefix();
  const partitionBy = [{ column: 'country' }, { column: 'at', by: 'Day' as const }];
  const destination = await opened(prefix, { partitionBy });
  const relation = {
    name: 'r',
    columns: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
      { name: 'country', type: { kind: 'text' }, nativeType: 'text', isNullable: true },
      {
        name: 'at',
        type: { kind: 'timestamp', precision: 3, hasZone: true },
        nativeType: 't',
        isNullable: true,
      },
    ],
    keys: [],
  } as const;
  await claimWith(destination, planFor(relation, null));
  const rows: Row[] = [
    [1n, 'IT', '2026-11-24 23:59:59.999Z'],
    [2n, 'IT', '2026-11-25 00:00:00Z'],
    [3n, 'a/b ä', '2026-11-25 08:00:00Z'],
    [4n, null, null],
  ];
  await destination.write({ ...batchOf([1, 2, 3, 4], 4), rows: { format: 'values', rows } }, signal);
  const folders = (await manifestOf(prefix)).objects.map(({ key }) =>
    key.slice(prefix.length, key.lastIndexOf('/')),
  );
  assert.deepEqual(folders, [
    'country=IT/at_day=2026-11-24',
    'country=IT/at_day=2026-11-25',
    'country=a%2Fb%20%C3%A4/at_day=2026-11-25',
    'country=__HIVE_DEFAULT_PARTITION__/at_day=__HIVE_DEFAULT_PARTITION__',
  ]);
  const refused = await opened(newPrefix(), { partitionBy: [{ column: 'country', by: 'Hour' }] });
  await assert.rejects(claimWith(refused, planFor(relation, null)), { code: 'PartitionRefused' });
  await Promise.all([destination.close(), refused.close()]);
});

test('a long list of objects becomes objects of its own', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix, { objectSize: '1Ki', partitionBy: [{ column: 'id' }] });
  await claimWith(destination, planFor(twoColumns, null));
  const many = Array.from({ length: 700 }, (_, index) => index);
  for (let batch = 0; batch < 3; batch++)
    await destination.write(
      batchOf(
        many.map((id) => batch * 1_000 + id),
        batch + 1,
      ),
      signal,
    );
  const { objects, lists, rows } = await manifestOf(prefix);
  assert.deepEqual([objects.length, lists.map((list) => list.objects), rows], [1_100, [1_000], 2_100]);
  const listed = JSON.parse((await bucket.get(lists[0]?.key ?? '')).toString()) as WrittenObject[];
  assert.equal(new Set([...listed, ...objects].map(({ key }) => key)).size, 2_100);
  await destination.close();
});

test('large objects are uploaded in parts, which are deleted if the upload fails', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix);
  await claimWith(destination, planFor(twoColumns, null));
  const row: Row = [1n, 'x'.repeat(40 * 1_024 ** 2)];
  const batch = { ...batchOf([1], 1), rows: { format: 'values', rows: [row] } } as const;
  const stop = new AbortController();
  let parts = 0;
  installCrashHook((point) => {
    if (point === 'write:before' && ++parts === 2) stop.abort(new Error('stopped'));
  });
  await assert.rejects(destination.write(batch, stop.signal), /stopped/);
  installCrashHook(undefined);
  assert.deepEqual(await objectKeys(prefix), []);
  const { client } = bucket.server;
  const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
  const left = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: prefix }));
  assert.deepEqual(left.Uploads ?? [], []);
  await destination.write(batch, signal);
  assert.equal((await manifestOf(prefix)).objects[0]?.bytes, 40 * 1_024 ** 2 + '{"id":1,"body":""}\n'.length);
  await destination.close();
});

test('check finds what is missing, and leaves nothing behind', async () => {
  const prefix = newPrefix();
  const destination = await opened(prefix);
  assert.deepEqual(await destination.check('Append', signal), []);
  assert.deepEqual(await bucket.keys(prefix), []);
  await destination.close();
  await assert.rejects(opened('no-slash'), { code: 'NameInvalid', path: 'spec.destination.prefix' });
});

test('values that a format cannot keep are handled by onError, and the row is named without its values', async () => {
  const floats: Relation = {
    name: 'r',
    columns: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
      { name: 'f', type: { kind: 'float', bits: 64 }, nativeType: 'double', isNullable: true },
    ],
    keys: [],
  };
  const rows: Row[] = [
    [1n, 0.5],
    [2n, Number.NaN],
    [3n, 1.5],
  ];
  const batch = { ...batchOf([1, 2, 3], 3), rows: { format: 'values', rows } } as const;
  for (const onError of ['Stop', 'Skip'] as const) {
    const prefix = newPrefix();
    const destination = await opened(prefix);
    await claimWith(destination, planFor(floats, null, 'Append', { onError, key: ['id'] }));
    if (onError === 'Stop') {
      await assert.rejects(destination.write(batch, signal), {
        code: 'ValueNotKept',
        message: /row id 2, column f/,
      });
      assert.deepEqual(await committedIds(prefix), []);
    } else {
      const { written, rejected, rejections } = await destination.write(batch, signal);
      assert.deepEqual([written, rejected, rejections[0]?.row], [2, 1, 'id 2']);
      assert.deepEqual(await committedIds(prefix), [1, 3]);
    }
    await destination.close();
  }
});
