import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { schemaChanged } from '../../core/errors.ts';
import { withBetween } from '../../e2e/kit/between-ends.ts';
import { byId, snapshot, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
  files.execute('source', table);
});
afterEach(() => files.close());

/**
 * Makes the change after the first batch, so that SchemaChanged is thrown at the second batch of the pass; the first read is only the
 * check for rows.
 */
function changedAtSecond(change: () => void): () => void {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls !== 3) return;
    change();
    throw schemaChanged('t');
  };
}

const singly = { batch: { maxRows: 1 }, schedule: { continuous: true } };
const addColumn = () =>
  files.execute('source', "ALTER TABLE t ADD COLUMN n TEXT; UPDATE t SET n = 'n' || id WHERE id > 1");

test('a column that is added during a run is added at the destination before a row of the new shape is written', async () => {
  const definitionOf = withBetween({ beforeBatch: changedAtSecond(addColumn) });
  const run = files.start({ ...byId, ...singly, schemaChanges: 'AddColumns' }, undefined, { definitionOf });
  await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual(files.query('destination', 'SELECT id, n FROM t ORDER BY id'), [
    [1, null],
    [2, 'n2'],
    [3, 'n3'],
  ]);
  assert.deepEqual(
    run.statuses.filter(({ lastError }) => lastError),
    [],
  );
  assert.match(
    run.status?.warnings?.join() ?? '',
    /column n was added after rows had been moved and is NULL in them; idra restart s --yes moves them again/,
  );
  run.post({ type: 'restart', id: '1' });
  await run.answered('restart', '1');
  await until(() => run.status?.warnings === undefined && run.status?.state === 'Waiting', {
    what: 'the warning to go',
  });
});

test('schemaChanges Fail stops before a row of the new shape, and continues when the destination has the column', async () => {
  const definitionOf = withBetween({ beforeBatch: changedAtSecond(addColumn) });
  const run = files.start({ ...byId, ...singly }, undefined, { definitionOf });
  const failed = await run.seen('Failed', 'ColumnMissing');
  assert.equal(failed.lastError?.isTransient, false);
  assert.equal(files.arrived().length, 1);
  files.execute('destination', 'ALTER TABLE t ADD COLUMN n TEXT');
  run.post({ type: 'run-now', id: '1' });
  await run.seen('Waiting', 'CaughtUp');
  assert.equal(files.arrived().length, 3);
});

test('a column whose destination column is too narrow stops the Sync', async () => {
  files.execute('source', "UPDATE t SET v = 'long ' || id");
  const narrow = () =>
    files.execute(
      'destination',
      'DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, at DATETIME); INSERT INTO t (id) VALUES (1)',
    );
  const definitionOf = withBetween({ before: atSecondWrite(narrow) });
  const run = files.start({ ...byId, ...singly }, undefined, { definitionOf });
  await run.seen('Failed', 'ColumnTooNarrow');
  assert.equal(files.arrived().length, 1);
});

test('a shape that changes repeatedly without a row in between is retried with backoff, and reported', async () => {
  let isChanging = true;
  const definitionOf = withBetween({
    beforeBatch: () => {
      if (isChanging) throw schemaChanged('t');
    },
  });
  const run = files.start(byId, undefined, { definitionOf });
  const retried = await run.seen('Waiting', 'SchemaChanged');
  assert.equal(retried.lastError?.isTransient, true);
  isChanging = false;
  const caughtUp = await run.seen('Waiting', 'CaughtUp');
  assert.equal(caughtUp.lastError, undefined);
  assert.equal(files.arrived().length, 3);
});

test('a Replace pass starts over with another shadow table', async () => {
  const spec = { ...snapshot, ...singly, schedule: { every: '1h' }, schemaChanges: 'AddColumns' };
  const run = files.start({ ...spec, writeMode: 'Replace' }, undefined, {
    definitionOf: withBetween({ before: atSecondWrite(addColumn) }),
  });
  const { offsetText } = await run.seen('Waiting', 'CaughtUp');
  assert.equal(offsetText, 'pass 2 complete');
  assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
});

test('a pass of one transaction starts over', async () => {
  files.execute('source', "CREATE TABLE k (v TEXT); INSERT INTO k VALUES ('1'), ('2'), ('3')");
  const spec = {
    ...snapshot,
    ...singly,
    source: { dataSource: 'source', table: 'k' },
    destination: { dataSource: 'destination', table: 'k' },
    schedule: { once: true },
    writeMode: 'Append',
    schemaChanges: 'AddColumns',
  };
  const addToKeyless = () => files.execute('source', "ALTER TABLE k ADD COLUMN n TEXT DEFAULT 'x'");
  const run = files.start(spec, undefined, {
    definitionOf: withBetween({ before: atSecondWrite(addToKeyless) }),
  });
  await run.seen('Completed');
  const rows = 'SELECT v, n FROM k ORDER BY v';
  assert.deepEqual(files.query('destination', rows), files.query('source', rows));
});

function atSecondWrite(change: () => void) {
  const throwing = changedAtSecond(change);
  return (call: string) => {
    if (call === 'write') throwing();
  };
}

test('a batch whose offset is not ahead of the last one is not written', async () => {
  const definitionOf = withBetween({ batch: (batch) => ({ ...batch, offset: { mode: 'Id', id: '1' } }) });
  const run = files.start({ ...byId, ...singly }, undefined, { definitionOf });
  const failed = await run.seen('Failed', 'OffsetWentBack');
  assert.equal(failed.lastError?.isTransient, false);
  assert.equal(files.arrived().length, 1);
});
