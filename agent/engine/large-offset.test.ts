import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { withBetween } from '../../e2e/kit/between-ends.ts';
import { byId, snapshot, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';

let files: TwoFiles;
beforeEach(async () => {
  files = new TwoFiles(await tempFolder('large-offset'));
});
afterEach(() => files.close());

test('a row whose key is very long is refused before statements are made of its key', async () => {
  files.execute('source', 'CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, v TEXT)');
  files.execute('source', "INSERT INTO t VALUES ('a', 'first'), ('b' || hex(zeroblob(100000)), 'second')");
  const { status } = await files.once({ ...snapshot, batch: { maxRows: 1 } });
  assert.deepEqual([status.state, status.reason, status.rows.written], ['Failed', 'OffsetTooLarge', 1]);
});

test('a large offset of any source is refused before the batch is written', async () => {
  files.execute('source', table);
  const definitionOf = withBetween({
    batch: (batch) => ({ ...batch, offset: { mode: 'Id', id: '9'.repeat(200_000) } }),
  });
  const run = files.start(byId, undefined, { definitionOf });
  const { rows } = await run.seen('Failed', 'OffsetTooLarge');
  assert.equal(rows.written, 0);
  await run.stop();
});
