import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { until } from './kit/wait.ts';
import { RecordRuns, stream } from './record-system/record-run.ts';

/** Streams, inferred columns and new fields, from a system with documents and a log to a SQLite file. */
let runs: RecordRuns;

beforeEach(async () => {
  runs = await RecordRuns.open();
});
afterEach(() => runs.close());

const arrived = () => runs.query('SELECT * FROM orders ORDER BY _id');
const columns = () => runs.query("SELECT name, type FROM pragma_table_info('orders')");
const skip = { ...stream, onError: 'Skip' };
const adding = { ...stream, schemaChanges: 'AddColumns' };
const source = { dataSource: 'source', collection: 'orders' };

test('documents that are there come first, then every change; LAG and status follow', async () => {
  runs.put({ 1: { name: 'a', total: 1.5 }, 2: { name: 'b', total: 20 } });
  const run = runs.start(stream);
  const status = await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual([status.lagSeconds, status.bound?.kind, status.rows.read], [0, 'log', 2]);
  assert.deepEqual(columns(), [
    ['_id', 'INTEGER'],
    ['name', 'TEXT'],
    ['total', 'DECIMAL_TEXT'],
  ]);
  runs.put({ 2: { name: 'b2' }, 3: { name: 'c', total: 3 } });
  await until(() => arrived().length === 3, { what: 'the change' });
  assert.deepEqual(arrived(), [
    [1, 'a', '1.5'],
    [2, 'b2', null],
    [3, 'c', '3'],
  ]);
});

test('--once ends at the position at its start; the next run continues from the stored token', async () => {
  runs.put({ 1: { name: 'a' } });
  const first = await runs.once(stream);
  assert.equal(first.state, 'Waiting');
  assert.equal((await runs.once(stream)).rows.read, 1);
  runs.put({ 2: { name: 'b' } });
  const second = await runs.once(stream);
  assert.deepEqual([second.rows.read, second.offsetText], [2, '{"position":2}']);
  assert.deepEqual(arrived(), [
    [1, 'a'],
    [2, 'b'],
  ]);
});

test('schedule once: the stream is read up to the position at its start, then the Sync is Completed', async () => {
  runs.put({ 1: { name: 'a' } });
  const status = await runs.once({ ...stream, schedule: { once: true } });
  assert.equal(status.state, 'Completed');
  runs.put({ 2: { name: 'b' } });
  assert.equal((await runs.once({ ...stream, schedule: { once: true } })).state, 'Completed');
  assert.deepEqual(arrived(), [[1, 'a']]);
});

test('a log whose changes are lost stops the Sync, and restart reads everything again', async () => {
  runs.put({ 1: { name: 'a' } });
  await runs.once(stream);
  runs.put({ 2: { name: 'b' } });
  runs.collection.loseHistory();
  const run = runs.start(stream);
  const failed = await run.seen('Failed', 'StreamHistoryLost');
  assert.match(failed.message, /idra restart/);
  assert.deepEqual(arrived(), [[1, 'a']]);
  run.post({ type: 'restart', id: '1' });
  await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual(arrived(), [
    [1, 'a'],
    [2, 'b'],
  ]);
});

test('startFrom Now: only changes after the first pass are read', async () => {
  runs.put({ 1: { name: 'a' } });
  const now = { ...stream, source: { ...source, startFrom: 'Now' } };
  await runs.once(now);
  runs.put({ 2: { name: 'b' } });
  await runs.once(now);
  assert.deepEqual(arrived(), [[2, 'b']]);
});

test('inferred columns stay until restart, whatever later records look like', async () => {
  runs.put({ 1: { a: 1 }, 2: { a: 2 } });
  await runs.once(stream);
  runs.put({ 3: { a: 'text' } });
  const failed = await runs.once(stream);
  assert.deepEqual([failed.state, failed.reason], ['Failed', 'RecordMisfit']);
  assert.match(failed.message, /row _id 3, column a: the value is not a number/);
  assert.deepEqual((await runs.preview(stream)).inferredColumns?.at(1), {
    name: 'a',
    path: 'a',
    type: 'json',
    nullable: true,
  });
  const skipped = await runs.once(skip);
  assert.deepEqual([skipped.rows.rejected, skipped.rows.read, arrived().length], [1, 3, 2]);
  const { offset } = runs.start(stream).status ?? {};
  assert.equal(offset?.includes('columns'), undefined);
});

test('a new field: Fail stops, Ignore leaves it out and says so, AddColumns adds a column', async () => {
  runs.put({ 1: { a: 1 } });
  await runs.once(stream);
  runs.put({ 2: { a: 2, b: 'new' } });
  const failed = await runs.once(stream);
  assert.deepEqual([failed.state, failed.reason], ['Failed', 'FieldUnknown']);
  assert.match(failed.message, /have fields that the inferred columns do not have: b/);
  const ignoring = await runs.once({ ...stream, schemaChanges: 'Ignore' });
  assert.match(ignoring.warnings?.join() ?? '', /left out .*: b/);
  assert.deepEqual(arrived(), [
    [1, 1],
    [2, 2],
  ]);
  runs.put({ 3: { a: 3, b: 'x', c: true }, 4: { a: 4, b: 'y' } });
  const added = await runs.once(adding);
  assert.equal(added.state, 'Waiting', added.message);
  assert.deepEqual(arrived().slice(1), [
    [2, 2, null, null],
    [3, 3, 'x', 1],
    [4, 4, 'y', null],
  ]);
  runs.put({ 5: { d: 1 } });
  assert.equal((await runs.once(adding)).state, 'Waiting');
  assert.deepEqual(
    columns().map(([name]) => name),
    ['_id', 'a', 'b', 'c', 'd'],
  );
});

test('a new field in the very first batch, which the sample did not have', async () => {
  const documents = Object.fromEntries(
    Array.from({ length: 40 }, (_, id) => [id + 1, id === 20 ? { a: 1, b: 2 } : { a: 1 }]),
  );
  runs.put(documents);
  const sampled = { ...adding, source: { ...source, sample: 3 }, batch: { maxRows: 10 } };
  const status = await runs.once(sampled);
  assert.equal(status.state, 'Waiting', status.message);
  assert.deepEqual(runs.query('SELECT count(*), sum(b) FROM orders'), [[40, 2]]);
});

test('deletes: Ignore keeps rows, Hard deletes them and Soft marks them, and both count', async () => {
  for (const [deletes, left] of [
    [
      'Ignore',
      [
        [1, 'a', 'kept'],
        [2, 'b', 'kept'],
      ],
    ],
    ['Hard', [[1, 'a', 'kept']]],
    [
      'Soft',
      [
        [1, 'a', 'kept'],
        [2, 'b', 'marked'],
      ],
    ],
  ] as const) {
    const own = await RecordRuns.open();
    try {
      const spec = { ...stream, deletes };
      own.put({ 1: { name: 'a' }, 2: { name: 'b' } });
      await own.once(spec);
      own.put({ 2: null });
      const status = await own.once(spec);
      const mark = deletes === 'Soft' ? "iif(_deleted_at IS NULL, 'kept', 'marked')" : "'kept'";
      assert.deepEqual(own.query(`SELECT _id, name, ${mark} FROM orders`), left, deletes);
      assert.deepEqual(
        [status.rows.read, status.rows.deleted],
        deletes === 'Ignore' ? [2, 0] : [3, 1],
        deletes,
      );
    } finally {
      await own.close();
    }
  }
});

test('deletes are refused where the source does not show them, and without the key of the source', async () => {
  runs.put({ 1: { a: 1 } });
  const { findings } = await runs.preview({
    ...stream,
    deletes: 'Hard',
    destination: { dataSource: 'destination', table: 'orders', key: ['a'] },
  });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error').map(({ code }) => code),
    ['DeleteKeyDiffers'],
  );
  await assert.rejects(
    runs.preview({ ...stream, mode: 'Snapshot', deletes: 'Hard' }),
    /does not detect deletions/,
  );
});

test('columns that the Sync names are taken, with paths and metadata; other fields are left out', async () => {
  const named = {
    ...stream,
    source: {
      ...source,
      columns: [
        { name: 'id', path: '_id', type: 'int64', nullable: false },
        { name: 'gross', path: 'totals.gross', type: 'decimal(10,2)' },
        { name: 'whole', path: '', type: 'json' },
      ],
      metadata: ['position'],
    },
  };
  runs.put({ 1: { totals: { gross: '12.50', net: 10 } } });
  await runs.once(named);
  runs.put({ 2: { totals: { gross: 1.25 }, more: [1] } });
  const status = await runs.once(named);
  assert.equal(status.warnings, undefined);
  assert.deepEqual(runs.query('SELECT * FROM orders ORDER BY id'), [
    [1, '12.50', '{"_id":1,"totals":{"gross":"12.50","net":10}}', null],
    [2, '1.25', '{"_id":2,"totals":{"gross":1.25},"more":[1]}', 2],
  ]);
});

test('inferred columns that are pasted into the manifest continue; other columns need a decision', async () => {
  runs.put({ 1: { a: 1 } });
  await runs.once(stream);
  const { inferredColumns = [] } = await runs.preview(stream);
  const pasted = { ...stream, source: { ...source, columns: inferredColumns } };
  runs.put({ 2: { a: 2 } });
  const status = await runs.once(pasted);
  assert.deepEqual([status.state, status.rows.read], ['Waiting', 2]);
  const changed = { ...stream, source: { ...source, columns: inferredColumns.slice(0, 1) } };
  const failed = await runs.once(changed);
  assert.deepEqual([failed.state, failed.reason], ['Failed', 'OffsetNoLongerFits']);
  assert.match(failed.message, /spec.source.columns/);
});

test('a Snapshot of documents keeps its columns over passes, and infers them again after a restart', async () => {
  const snapshot = { ...stream, mode: 'Snapshot', schedule: { every: '1h' }, batch: { maxRows: 2 } };
  runs.put({ 1: { a: 1 }, 2: { a: 2 }, 3: { a: 3 } });
  assert.equal((await runs.once(snapshot)).rows.read, 3);
  runs.put({ 1: { a: 10 }, 3: null });
  assert.equal((await runs.once(snapshot)).state, 'Waiting');
  assert.deepEqual(arrived(), [
    [1, 10],
    [2, 2],
    [3, 3],
  ]);
  runs.put({ 4: { b: 1 } });
  assert.equal((await runs.once(snapshot)).reason, 'FieldUnknown');
  const run = runs.start({ ...snapshot, schemaChanges: 'AddColumns', schedule: { continuous: true } });
  run.post({ type: 'restart', id: '1' });
  await until(() => columns().length === 3, { what: 'the columns of the restart' });
  assert.deepEqual((await run.seen('Waiting', 'CaughtUp')).state, 'Waiting');
});

test('without records nothing is inferred, and the Sync says so', async () => {
  const status = await runs.once(stream);
  assert.deepEqual([status.state, status.reason], ['Failed', 'ColumnsNotInferred']);
  runs.put({ 1: { a: 1 } });
  assert.equal((await runs.once(stream)).state, 'Waiting');
});

test('between two collections documents travel whole, unless the Sync names columns', async () => {
  const whole = { ...stream, destination: { dataSource: 'records', collection: 'copy' }, deletes: 'Hard' };
  runs.put({ 1: { a: 1.0, n: null }, 2: { b: [1] } });
  await runs.once(whole);
  runs.put({ 1: null, 3: { x: 'y' } });
  const { rowFormat } = await runs.preview(whole);
  const status = await runs.once(whole);
  assert.deepEqual(
    [rowFormat, status.rows.deleted, status.guarantee],
    ['record-documents', 1, 'AtLeastOnce'],
  );
  assert.deepEqual(runs.other('copy').documents(), runs.collection.documents());
  runs.put({ 2: null });
  await runs.once({ ...whole, deletes: 'Ignore' });
  assert.deepEqual(
    runs
      .other('copy')
      .documents()
      .map(({ id }) => id),
    [2, 3],
  );
});

test('between two collections a Sync that names columns transfers only these', async () => {
  runs.put({ 1: { a: 1 }, 2: { b: [1] }, 3: { x: 'y', b: null } });
  const columns = [
    { name: '_id', type: 'int64', nullable: false },
    { name: 'b', type: 'json' },
  ];
  const destination = { dataSource: 'records', collection: 'narrow' };
  const narrow = { ...stream, source: { ...source, columns }, destination };
  await runs.once(narrow);
  assert.deepEqual(runs.other('narrow').documents(), [
    { id: 1, document: '{"_id":1}' },
    { id: 2, document: '{"_id":2,"b":[1]}' },
    { id: 3, document: '{"_id":3}' },
  ]);
});
