import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ColumnType, Value } from '../../../core/values.ts';
import { connector } from '../connector.ts';
import { ParquetRows } from '../parquet/writer.ts';
import {
  batchOf,
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
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

const format = { format: 'Parquet' } as const;

/** Rows of the file as columns that the manifest names. */
async function rowsAs(paths: readonly string[], prefix = 'p/') {
  const columns = paths.map((path) => ({ name: `as_${path}`, path, type: 'text', nullable: true }));
  const source = await connector.openSource(bucket.access, sourceOf(prefix, { ...format, columns }), signal);
  try {
    const relation = await source.describe(signal);
    return rowsOf((await readAll(source.read(readRequest(relation, { mode: 'Snapshot' }), signal))).batches);
  } finally {
    await source.close();
  }
}

test('a column that a file does not have is NULL; a file that has none of the columns is refused', async () => {
  const destination = await connector.openDestination(bucket.access, targetOf('p/', format), signal);
  await claimWith(destination, planFor(twoColumns, null));
  await destination.write(batchOf([1], 1), signal);
  await destination.close();
  assert.deepEqual(await rowsAs(['body', 'other']), [['row 1', null]]);
  await assert.rejects(rowsAs(['Body', 'other']), { code: 'ObjectDamaged' });
});

async function putFile(
  key: string,
  fields: readonly (readonly [string, ColumnType, Value])[],
): Promise<Buffer> {
  const rows = new ParquetRows(fields.map(([name, type]) => ({ name, type, isNullable: true })));
  rows.add(fields.map(([, , value]) => value));
  const bytes = await rows.encode('UNCOMPRESSED');
  await bucket.put(key, bytes);
  return bytes;
}

test('a path leads into a field of JSON, and into an array', async () => {
  await putFile('parts/x.parquet', [
    ['doc', { kind: 'json' }, '{"id":12345678901234567890,"in":{"x":"y"}}'],
    [
      'many',
      { kind: 'array', of: { kind: 'decimal', precision: 20, scale: 2 } },
      ['1.50', '123456789012345678.25'],
    ],
  ]);
  assert.deepEqual(await rowsAs(['doc.id', 'doc.in.x', 'doc.none', 'many[1]', 'many[2]'], 'parts/'), [
    ['12345678901234567890', 'y', null, '123456789012345678.25', null],
  ]);
});

test('a file that has the field of a column twice is refused', async () => {
  const text: ColumnType = { kind: 'text' };
  const bytes = await putFile('twice/x.parquet', [
    ['field1', text, 'one'],
    ['field2', text, 'two'],
    ['other', text, 'three'],
  ]);
  await bucket.put(
    'twice/x.parquet',
    Buffer.from(bytes.toString('latin1').replaceAll('field2', 'field1'), 'latin1'),
  );
  await assert.rejects(rowsAs(['field1'], 'twice/'), { code: 'ObjectDamaged', message: /"field1" twice/ });
  assert.deepEqual(await rowsAs(['other'], 'twice/'), [['three']]);
});

test('a misfit is in the same batch as its position', async () => {
  const rows = new ParquetRows([{ name: 'a', type: { kind: 'text' }, isNullable: true }]);
  for (const value of ['1', '2', 'x', '3', 'y', 'z', '4']) rows.add([value]);
  await bucket.put('misfits/x.parquet', await rows.encode('SNAPPY'));
  const columns = [{ name: 'a', path: 'a', type: 'int64', nullable: true }];
  const object = sourceOf('misfits/', { ...format, columns });
  const source = await connector.openSource(bucket.access, object, signal);
  const relation = await source.describe(signal);
  const request = readRequest(relation, { mode: 'Stream', limits: { maxRows: 100, maxBytes: 8 } });
  const { batches } = await readAll(source.read(request, signal));
  assert.deepEqual(
    batches.map(({ rowCount, misfits }) => [
      rowCount,
      misfits?.rejections.map(({ row }) => row?.split(' ')[0]) ?? [],
    ]),
    [
      [1, []],
      [1, []],
      [1, ['3']],
      [1, ['5', '6']],
      [0, []],
    ],
  );
  await source.close();
});
