import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Batch } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import { connector } from '../connector.ts';
import { readAll, readRequest, rowsOf, signal, sourceOf, TestBucket } from '../test-harness.ts';

let bucket: TestBucket;
let prefixes = 0;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

async function rowsIn(objects: Readonly<Record<string, string | Buffer>>, more: Partial<SourceObject> = {}) {
  const prefix = `texts-${++prefixes}/`;
  for (const [name, content] of Object.entries(objects)) await bucket.put(prefix + name, content);
  const source = await connector.openSource(bucket.access, sourceOf(prefix, more), signal);
  try {
    const relation = await source.describe(signal);
    return rowsOf((await readAll(source.read(readRequest(relation, { mode: 'Snapshot' }), signal))).batches);
  } finally {
    await source.close();
  }
}

test('an empty object has no records, whatever its name says; content that cannot be decoded is named', async () => {
  assert.deepEqual(
    await rowsIn({ 'a.jsonl.gz': Buffer.of(), 'b.jsonl.zst': Buffer.of(), 'c.jsonl': '{"a":1}\n' }),
    [[1n]],
  );
  const utf16 = { format: 'CSV', csv: { encoding: 'utf-16le' } } as const;
  for (const [objects, more] of [
    [{ 'a.jsonl.gz': '{"a":1}\n' }, {}],
    [{ 'a.csv': Buffer.from([0, 0xd8, 10, 0]) }, utf16],
  ] as const)
    await assert.rejects(rowsIn(objects, more), { code: 'ObjectDamaged', message: /texts-\d\/a/ });
});

test('a path that leads nowhere is refused, and the whole record is one', async () => {
  const column = (path: string) => ({ name: 'v', path, type: 'json', nullable: true });
  const csv = (path: string) => rowsIn({ 'a.csv': 'a,b\n1,\n' }, { format: 'CSV', columns: [column(path)] });
  assert.deepEqual(await csv(''), [['{"a":"1","b":null}']]);
  for (const path of ['a.b', '[0]', 'a[0]']) await assert.rejects(csv(path), { code: 'ManifestInvalid' });
  const parquet = { format: 'Parquet', columns: [column('')] } as const;
  await assert.rejects(rowsIn({}, parquet), { code: 'ManifestInvalid' });
});

test('a character cannot be delimiter and quote at once', async () => {
  for (const csv of [{ delimiter: '"' }, { quote: ',' }, { delimiter: ';', escape: ';' }])
    await assert.rejects(rowsIn({}, { format: 'CSV', csv }), { code: 'ManifestInvalid' });
});

test('what Idra stores beside its objects is no data, wherever the prefix ends', async () => {
  const objects = { '_idra/uid.json': '{"a":1}\n', '_idra/uid/x.json': '{"a":2}\n', 'x.jsonl': '{"a":3}\n' };
  assert.deepEqual(await rowsIn(objects), [[3n]]);
  const cut = sourceOf(`texts-${prefixes}/_`);
  const source = await connector.openSource(bucket.access, cut, signal);
  await assert.rejects(source.describe(signal), { code: 'TableNotFound' });
  await source.close();
  const inside = sourceOf(`texts-${prefixes}/_idra/`);
  await assert.rejects(connector.openSource(bucket.access, inside, signal), { code: 'OwnTableNamed' });
});

test('a position has all that was recorded before it, and columns do not depend on where an object is continued', async () => {
  const text = 'a,b\n1,2\nx\n3,4\n\n5\n"6,7\n8",9\n10,11\nx,y,z\n12,13\n';
  const columns = ['column1', 'column2'].map((path) => ({ name: path, path, type: 'text', nullable: true }));
  const count = (batches: readonly Batch[]) =>
    batches.reduce((sum, { misfits }) => sum + (misfits?.count ?? 0), 0);
  for (const [name, content] of [
    ['x.csv', text],
    ['x.csv.gz', gzipSync(text)],
  ] as const) {
    const prefix = `continued-${name}/`;
    await bucket.put(prefix + name, content);
    const object = sourceOf(prefix, { format: 'CSV', csv: { header: false }, columns });
    const source = await connector.openSource(bucket.access, object, signal);
    const relation = await source.describe(signal);
    for (const limits of [
      { maxRows: 100, maxBytes: 9 },
      { maxRows: 1, maxBytes: 100 },
    ]) {
      const read = async (more: Partial<ReadRequest> = {}) =>
        (await readAll(source.read(readRequest(relation, { mode: 'Stream', limits, ...more }), signal)))
          .batches;
      const batches = await read();
      assert.deepEqual([rowsOf(batches).length, count(batches)], [6, 3]);
      for (const [index, { offset }] of batches.entries()) {
        const [rest, expected] = [await read({ after: offset }), batches.slice(index + 1)];
        assert.deepEqual(
          [rowsOf(rest), count(rest)],
          [rowsOf(expected), count(expected)],
          `${name}, ${index}`,
        );
      }
    }
    await source.close();
  }
});
