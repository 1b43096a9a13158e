import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { planColumns } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { Relation, Row } from '../../../core/values.ts';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { send } from '../../../e2e/kit/api/items.ts';
import { openSession, signal } from '../test-harness.ts';
import { types } from '../types/types.ts';
import { BatchWriter } from './batch-writer.ts';
import { DestinationFields } from './destination-fields.ts';

let api: ApiServer;
before(async () => {
  api = await ApiServer.start();
});
after(() => api.stop());
beforeEach(() => {
  api.intercept = undefined;
  api.requests.length = 0;
});

const source: Relation = {
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
    { name: 'n', type: { kind: 'float', bits: 64 }, nativeType: 'float8', isNullable: true },
  ],
  keys: [],
};

/** Sends so many rows in one call. */
function writerOf(
  rowsPerCall: number,
  onError: WritePlan['onError'],
  more: Partial<WritePlan> = {},
): BatchWriter {
  const object = {
    path: '/items/orders',
    bodyTemplate: '{{ rows }}',
    rowsPerCall,
    existingRows: 'Keep',
  } as const;
  const columns = planColumns({
    ...{ source, existing: null, types, isSameSystem: false, key: [], schemaChanges: 'Fail' },
    ...{ paths: { source: 's', destination: 'd' }, columnsField: 'c' },
  });
  const usual = { uid: 'u1', writeMode: 'Append', deletes: 'Ignore', redactsKeys: false } as const;
  const plan = { ...usual, columns, key: [], existing: null, hasUniqueKey: false, onError, ...more };
  return new BatchWriter({ session: openSession(api.url), fields: new DestinationFields(object), plan });
}

const batchOf = (rows: Iterable<Row>, rowCount: number): Batch => ({
  rows: {
    format: 'values',
    rows: { length: rowCount, at: () => undefined, [Symbol.iterator]: () => rows[Symbol.iterator]() },
  },
  rowCount,
  byteCount: 0,
  offset: { mode: 'Id', id: '1' },
});

test('onError Stop: a value that JSON cannot keep is found before the first call is sent', async () => {
  const rows: Row[] = [
    [1n, 1],
    [2n, 2],
    [3n, Number.NaN],
  ];
  await assert.rejects(writerOf(1, 'Stop').write(batchOf(rows, 3), null, 0, signal), {
    code: 'ValueNotKept',
  });
  assert.equal(api.requests.length, 0);
});

test('rows become calls as they are sent: a batch is never there as objects', async () => {
  const sentBefore: number[] = [];
  function* made(): Generator<Row> {
    for (let id = 1n; id <= 6n; id++) {
      sentBefore.push(api.requests.length);
      yield [id, null];
    }
  }
  const { written } = await writerOf(2, 'Skip').write(batchOf(made(), 6), null, 0, signal);
  assert.deepEqual([written, sentBefore], [6, [0, 0, 1, 1, 2, 2]]);
});

test('a row of an Upsert whose key is NULL is refused, before the first call is sent', async () => {
  const rows: Row[] = [
    [1n, 1],
    [2n, null],
  ];
  const upsert = { writeMode: 'Upsert', key: ['n'] } as const;
  await assert.rejects(writerOf(1, 'Stop', upsert).write(batchOf(rows, 2), null, 0, signal), {
    code: 'ValueNotKept',
  });
  assert.equal(api.requests.length, 0);
  const result = await writerOf(1, 'Skip', upsert).write(batchOf(rows, 2), null, 0, signal);
  assert.deepEqual([result.written, result.rejected, result.rejections[0]?.column], [1, 1, 'n']);
});

test('an answer 207 has the results of rows, which have to be read', async () => {
  api.intercept = (_request, response) => {
    send(response, 207, '[{"status":500}]');
    return true;
  };
  const rows: Row[] = [[1n, 1]];
  await assert.rejects(writerOf(1, 'Skip').write(batchOf(rows, 1), null, 0, signal), {
    code: 'AnswerInvalid',
    path: 'spec.destination.results',
  });
});
