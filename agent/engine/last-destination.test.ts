import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { byId, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
});
afterEach(() => files.close());

for (const [mode, field] of [
  ['LastDestinationId', { idField: 'id' }],
  ['LastDestinationTimestamp', { timestampField: 'at' }],
] as const) {
  test(`${mode}: continues from the largest value at the destination and stores no offset`, async () => {
    files.execute('source', table);
    files.execute('source', "UPDATE t SET at = '2026-11-2' || id || 'T08:00:00.120Z'");
    const spec = { ...byId, source: { dataSource: 'source', table: 't', ...field }, mode };
    const first = await files.once(spec);
    assert.deepEqual([first.status.rows.read, first.status.offset], [3, undefined]);
    assert.deepEqual(files.commitRow()?.slice(0, 2), [null, 3]);
    files.execute('source', "INSERT INTO t (v, at) VALUES ('d', '2026-11-23T08:00:00.120Z')");
    assert.equal((await files.once(spec)).read, 1);
    files.execute('destination', 'DELETE FROM t WHERE id > 2');
    assert.equal((await files.once(spec)).read, 2);
    assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
  });
}

test('LastDestination* does not continue after a row whose key the source cannot know', async () => {
  files.execute('source', table);
  files.execute('destination', 'CREATE TABLE t (id INTEGER, v TEXT, at DATETIME)');
  files.execute('source', "UPDATE t SET at = '2026-11-2' || id || 'T08:00:00.120Z'");
  const spec = {
    ...byId,
    source: { dataSource: 'source', table: 't', timestampField: 'at' },
    mode: 'LastDestinationTimestamp',
    writeMode: 'Append',
  };
  assert.equal((await files.once(spec)).read, 3);
  files.execute('destination', 'UPDATE t SET id = NULL WHERE id = 3');
  const { status } = await files.once(spec);
  assert.deepEqual([status.state, status.lastError?.code], ['Failed', 'DestinationFieldDiffers']);
});
