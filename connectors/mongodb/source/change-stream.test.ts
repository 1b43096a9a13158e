import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Long } from 'mongodb';
import type { Batch } from '../../../core/batch.ts';
import type { IdraError } from '../../../core/errors.ts';
import { mongodbMemory } from '../../../e2e/kit/servers.ts';
import { type Flow, readAll } from '../../sql/test-flow.ts';
import { signal, TestDatabase } from '../test-harness.ts';

let database: TestDatabase;
before(async () => {
  database = await TestDatabase.create(mongodbMemory);
});
after(() => database?.stop());

const columns = [
  { name: 'id', path: '_id', type: 'int64', nullable: false },
  { name: 'body', path: 'body', type: 'text', nullable: true },
];
let names = 0;

/** A stream of an empty collection, after its first pass. */
async function stream(maxRows = 100): Promise<{ flow: Flow; from: string; last: Batch }> {
  const from = `s${++names}`;
  await database.command({ create: from });
  const flow = await database.flow({
    from,
    to: 'unused',
    mode: 'Stream',
    deletes: 'Hard',
    columns,
    maxRows,
    rowFormat: 'values',
  });
  const { batches } = await flow.readAll(null);
  return { flow, from, last: batches.at(-1) ?? assert.fail('the position is stored') };
}

const rowsOf = (batch: Batch | undefined) =>
  batch && 'rows' in batch.rows ? [...batch.rows.rows].map((row) => row.join(' ')) : [];

test('changes of one transaction are in one batch, whatever its limit', async () => {
  const { flow, from, last } = await stream(2);
  const write = (_id: number) => database.collection(from).insertOne({ _id, body: 'x' });
  const together = (number: number, ids: readonly number[]) =>
    database.command({
      runTransaction: Long.fromNumber(number),
      commands: [{ insert: from, documents: ids.map((_id) => ({ _id, body: 'x' })) }],
    });
  await write(1);
  await together(77, [2, 3, 4, 5, 6]);
  await together(78, [7, 8]);
  await write(9);
  const { batches } = await flow.readAll(last.offset);
  assert.deepEqual(
    batches.map((batch) => rowsOf(batch).map((row) => Number(row.split(' ')[0]))),
    [[1, 2, 3, 4, 5, 6], [7, 8], [9]],
  );
  await flow.close();
});

test('an event that arrives in fragments is one change, also if reading begins between them', async () => {
  const { flow, from, last } = await stream();
  const large = 'y'.repeat(1_000_000);
  await database.collection(from).insertOne({ _id: 1, body: large, isSplit: true });
  await database.collection(from).insertOne({ _id: 2, body: 'small' });
  const { batches } = await flow.readAll(last.offset);
  assert.deepEqual(batches.flatMap(rowsOf), [`1 ${large}`, '2 small']);
  await flow.close();
});

test('a dropped collection ends the stream after its last change, with a reason', async () => {
  const { flow, from, last } = await stream();
  await database.collection(from).insertOne({ _id: 1, body: 'last' });
  await database.collection(from).drop();
  await database.command({ create: from });
  const reading = flow.read(last.offset);
  assert.deepEqual(rowsOf((await reading.next()).value as Batch), ['1 last']);
  await assert.rejects(reading.next(), { code: 'StreamEnded', disposition: 'permanent' });
  await flow.close();
});

test('a position that the log no longer has is not replaced by another one', async () => {
  const { flow, from, last } = await stream();
  await database.collection(from).insertOne({ _id: 1, body: 'x' });
  await database.client.db('admin').command({ forgetHistory: 1 });
  await assert.rejects(flow.readAll(last.offset), { code: 'StreamHistoryLost', disposition: 'permanent' });
  await flow.close();
});

test('a primary that steps down, and a cursor that is gone, cost no change', async () => {
  const { flow, from, last } = await stream();
  await database.collection(from).insertOne({ _id: 1, body: 'x' });
  const admin = database.client.db('admin');
  for (const errorCode of [10_107, 11_602, 43]) {
    const data = { failCommands: ['getMore'], errorCode };
    await admin.command({ configureFailPoint: 'failCommand', mode: { times: 1 }, data });
    await assert.rejects(flow.readAll(last.offset), { disposition: 'transient' });
  }
  const { batches } = await flow.readAll(last.offset);
  assert.deepEqual(batches.flatMap(rowsOf), ['1 x']);
  await flow.close();
});

test('a post-image that was removed, and an event that is too large, stop the Sync with what to do', async () => {
  const { flow, last } = await stream();
  const admin = database.client.db('admin');
  for (const [errorCode, code, fix] of [
    [47, 'StreamHistoryLost', /expireAfterSeconds/],
    [280, 'StreamHistoryLost', /replSetResizeOplog/],
    [10_334, 'RowTooLarge', /upgrade/],
  ] as const) {
    const data = { failCommands: ['getMore'], errorCode };
    await admin.command({ configureFailPoint: 'failCommand', mode: { times: 1 }, data });
    await assert.rejects(flow.readAll(last.offset), (error: IdraError) => {
      assert.deepEqual([error.code, error.disposition], [code, 'permanent']);
      assert.match(error.fix ?? '', fix);
      return true;
    });
  }
  await flow.close();
});

test('deletions are read only if the key of the rows is the _id, by which alone events name documents', async (t) => {
  const from = `s${++names}`;
  await database.command({ create: from });
  const again = { name: 'again', path: '_id', type: 'int64', nullable: false };
  const read = async (deletes: 'Hard' | 'Ignore') => {
    const options = { from, to: 'unused', mode: 'Stream', rowFormat: 'values', deletes } as const;
    const flow = await database.flow({ ...options, columns: [...columns, again] });
    t.after(() => flow.close());
    await flow.readAll(null);
  };
  await assert.rejects(read('Hard'), { code: 'DeleteKeyDiffers', disposition: 'permanent' });
  await read('Ignore');
});

test('a document that was deleted after its update is deleted', async () => {
  const { flow, from, last } = await stream();
  await database.collection(from).insertOne({ _id: 1, body: 'x' });
  await database.collection(from).updateOne({ body: 'x' }, { $set: { body: 'y' } });
  await database.collection(from).deleteOne({ body: 'y' });
  const { batches } = await flow.readAll(last.offset);
  const [batch] = batches;
  assert.deepEqual(rowsOf(batch), ['1 x', '1 ']);
  assert.deepEqual(batch && 'rows' in batch.rows && batch.rows.deletions, [1]);
  await flow.close();
});

test('documents without a usable value are misfits, and the others go on', async () => {
  const { flow, from, last } = await stream();
  await database.collection(from).insertMany([
    { _id: 1, body: { a: 1 } },
    { _id: 2, body: 'fits' },
  ] as never);
  const { batches } = await flow.readAll(last.offset);
  assert.deepEqual(batches.flatMap(rowsOf), ['2 fits']);
  assert.deepEqual(
    batches[0]?.misfits?.rejections.map(({ code, column, row }) => [code, column, row]),
    [['RecordMisfit', 'body', '_id 1']],
  );
  await flow.close();
});

test('the deletion of a document whose key fits no column is left out, as the document was', async () => {
  const { flow, from, last } = await stream();
  const documents = [{ _id: 'not a number' }, { _id: 1, body: 'x' }];
  await database.command({ insert: from, documents });
  await database.command({ delete: from, deletes: documents.map(({ _id }) => ({ q: { _id }, limit: 1 })) });
  const { batches } = await flow.readAll(last.offset);
  const [batch] = batches;
  assert.deepEqual([rowsOf(batch), batch?.misfits?.count], [['1 x', '1 '], 1]);
  assert.deepEqual(batch && 'rows' in batch.rows && batch.rows.deletions, [1]);
  await flow.close();
});

test('a pass that may wait returns changes as they come, each transaction in one batch', async () => {
  const { flow, from, last } = await stream();
  const ending = new AbortController();
  const request = {
    ...flow.request,
    after: last.offset,
    lingers: { forMs: 600_000, until: ending.signal },
  };
  const reading = flow.source.read(request, signal);
  for (const _id of [1, 2]) {
    const waiting = reading.next();
    await database.collection(from).insertOne({ _id, body: 'x' });
    assert.deepEqual(rowsOf((await waiting).value as Batch), [`${_id} x`]);
  }
  const waiting = reading.next();
  const documents = [3, 4].map((_id) => ({ _id, body: 'x' }));
  await database.command({ runTransaction: Long.fromNumber(9), commands: [{ insert: from, documents }] });
  assert.deepEqual(rowsOf((await waiting).value as Batch), ['3 x', '4 x']);
  const atEnd = reading.next();
  ending.abort();
  assert.deepEqual(await atEnd, { done: true, value: { bound: { kind: 'log' }, isHeldBack: false } });
  await flow.close();
});

test('source.filter is refused, because documents may leave it', async () => {
  const from = 'filtered';
  await database.command({ create: from });
  const { connector } = await import('../connector.ts');
  const source = await connector.openSource(
    database.access,
    { collection: from, columns, filter: '{}' },
    signal,
  );
  const relation = await source.describe(signal);
  const request = {
    relation,
    columns: [],
    mode: 'Stream' as const,
    key: [],
    timeZone: 'UTC',
    after: null,
    limits: { maxRows: 1, maxBytes: 1 },
    rowFormat: { format: 'values' as const },
  };
  await assert.rejects(readAll(source.read(request, signal)), {
    code: 'QueryInvalid',
    path: 'spec.source.filter',
  });
  await source.close();
});
