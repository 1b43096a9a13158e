import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { RowFormat } from '../../core/batch.ts';
import { withBetween } from '../../e2e/kit/between-ends.ts';
import { snapshot, TwoFiles } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { limitsOf, linesBatch, valuesBatch } from './batch-limits.ts';

const usual = { maxRows: 50_000, maxBytes: 8 << 20 };
const values: RowFormat = { format: 'values' };
const raw: RowFormat = { format: 'pgcopy-binary', as: ['int4'] };
const room = { largestBytes: 32 << 20, wantsLargeBatches: false };

test('a batch of values is smaller than the Sync allows, and a statement is not', () => {
  const found = limitsOf({ limits: usual, rowFormat: values }, room);
  assert.deepEqual(found, { limits: valuesBatch, statementLimits: usual });
});

test('a batch of lines that are converted on the way is smaller than the Sync allows', () => {
  const { limits } = limitsOf({ limits: usual, rowFormat: { format: 'tsv', as: ['text'] } }, room);
  assert.deepEqual(limits, linesBatch);
});

test('the Sync may ask for smaller batches', () => {
  const limits = { maxRows: 10, maxBytes: 1_000 };
  const found = limitsOf({ limits, rowFormat: values }, room);
  assert.deepEqual(found.limits, limits);
});

test('raw rows, and batches of a destination that wants large ones, are as large as the Sync allows', () => {
  assert.deepEqual(limitsOf({ limits: usual, rowFormat: raw }, room), { limits: usual });
  const wanted = { ...room, wantsLargeBatches: true };
  assert.deepEqual(limitsOf({ limits: usual, rowFormat: values }, wanted), { limits: usual });
});

test('no batch takes more than its part of the memory of the process', () => {
  const limits = { maxRows: 1_000_000, maxBytes: 1 << 30 };
  const found = limitsOf({ limits, rowFormat: raw }, { ...room, largestBytes: 640 });
  assert.deepEqual(found.limits, { maxRows: 10, maxBytes: 640 });
});

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
});
afterEach(() => files.close());

/** Sizes of the batches of a table with this type at the destination. */
async function batchesTo(type: string): Promise<number[]> {
  const rows = 2 * valuesBatch.maxRows + 1;
  files.execute(
    'source',
    `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
     INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, 'v' || i FROM n`,
  );
  files.execute('destination', `CREATE TABLE t (id INTEGER PRIMARY KEY, v ${type})`);
  const sizes: number[] = [];
  const definitionOf = withBetween({
    batch(batch) {
      sizes.push(batch.rowCount);
      return batch;
    },
  });
  const run = files.start({ ...snapshot, schedule: { once: true } }, undefined, { definitionOf });
  await run.seen('Completed');
  assert.deepEqual(files.query('destination', 'SELECT count(*) FROM t'), [[rows]]);
  return sizes.filter((size) => size > 0);
}

test('a pass moves values in batches of these limits', async () => {
  assert.deepEqual(await batchesTo('BLOB'), [valuesBatch.maxRows, valuesBatch.maxRows, 1]);
});

test('a pass moves raw rows in batches as large as the Sync allows', async () => {
  assert.deepEqual(await batchesTo('TEXT'), [2 * valuesBatch.maxRows + 1]);
});
