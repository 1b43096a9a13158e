import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connector } from '../connector.ts';
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
async function rowsAs(paths: readonly string[]) {
  const columns = paths.map((path) => ({ name: `as_${path}`, path, type: 'text', nullable: true }));
  const source = await connector.openSource(bucket.access, sourceOf('p/', { ...format, columns }), signal);
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
