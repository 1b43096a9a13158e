import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../core/batch.ts';
import { softDeleteColumn, type WritePlan } from '../../core/connector.ts';
import { withSoftDeletes } from '../../core/soft-deletes.ts';
import { newFieldsLeftOut, requireFits, withDeletes, withMisfits } from './incoming-batch.ts';
import type { SyncPlan } from './plan.ts';
import { spec } from './test-objects.ts';

const nowMs = Date.parse('2026-11-24T08:00:00.123Z');
const relation = { name: 'orders', columns: [], keys: [] };

function planFor(deletes: WritePlan['deletes']): WritePlan {
  const columns = withSoftDeletes(relation, { deletes }).columns.map((source) => ({
    ...{ source, name: source.name, existing: null, ddl: source.nativeType, isNullable: true },
  }));
  return { deletes, columns: { columns, findings: [], refused: [] } } as unknown as WritePlan;
}

const batch: Batch = {
  rows: {
    format: 'values',
    rows: [
      ['a', 1],
      [null, 2],
      ['c', 3],
    ],
    deletions: [1],
  },
  rowCount: 3,
  byteCount: 10,
  offset: { mode: 'Stream', token: 't' },
};
const rowsOf = (deletes: WritePlan['deletes'], of: Batch = batch) => withDeletes(of, planFor(deletes), nowMs);
/** With an array in place of packed rows. */
const plainRows = ({ rows }: Batch) => ('rows' in rows ? { ...rows, rows: [...rows.rows] } : rows);

test('Ignore: the destination gets no deletion; Hard: all of them', () => {
  const ignored = rowsOf('Ignore');
  assert.deepEqual(
    [plainRows(ignored), ignored.rowCount],
    [
      {
        format: 'values',
        rows: [
          ['a', 1],
          ['c', 3],
        ],
      },
      2,
    ],
  );
  assert.equal(rowsOf('Hard'), batch);
});

test('Soft: the last column is the time in deletions and null in rows', () => {
  assert.deepEqual(plainRows(rowsOf('Soft')), {
    format: 'values',
    rows: [
      ['a', 1, null],
      [null, 2, '2026-11-24 08:00:00.123Z'],
      ['c', 3, null],
    ],
    deletions: [1],
  });
  const committed = rowsOf('Soft', { ...batch, lastTimestamp: '2026-01-01 00:00:00.123456789Z' });
  assert.deepEqual('rows' in committed.rows && committed.rows.rows.at(1)?.[2], '2026-01-01 00:00:00.123456Z');
  assert.equal(planFor('Soft').columns.columns.at(-1)?.name, softDeleteColumn);
});

const plan = {
  source: relation,
  inferred: [{ name: 'a', path: 'a', type: 'text', nullable: true }],
} as unknown as SyncPlan;
const newFields = [{ name: 'b', path: 'b', type: 'int64', nullable: true }];

test('new fields are handled by schemaChanges', () => {
  const given = { ...batch, newFields };
  assert.deepEqual(newFieldsLeftOut(given, plan, { ...spec, schemaChanges: 'Ignore' }), ['b']);
  assert.throws(() => newFieldsLeftOut(given, plan, { ...spec, schemaChanges: 'Fail' }), {
    code: 'FieldUnknown',
  });
  assert.throws(() => newFieldsLeftOut(given, plan, { ...spec, schemaChanges: 'AddColumns' }), {
    code: 'SchemaChanged',
    columns: newFields,
  });
  const many = {
    ...batch,
    newFields: Array.from({ length: 1_000 }, (_, index) => ({ ...newFields[0]!, name: `f${index}` })),
  };
  assert.throws(() => newFieldsLeftOut(many, plan, { ...spec, schemaChanges: 'AddColumns' }), {
    code: 'ColumnsNotInferred',
  });
});

test('records that do not fit stop the Sync, or are counted as rejected', () => {
  const rejection = {
    code: 'RecordMisfit',
    column: 'a',
    row: 'offset 7',
    message: 'the value is too long',
  } as const;
  const given = { ...batch, misfits: { count: 2, rejections: [rejection] } };
  assert.throws(() => requireFits(given, plan, spec), {
    code: 'RecordMisfit',
    message: 'orders has a record that does not fit: row offset 7, column a: the value is too long',
  });
  requireFits(given, plan, { ...spec, onError: 'Skip' });
  const result = { written: 1, rejected: 1, rejections: [], deleted: 0, totalRows: 1 };
  assert.deepEqual(withMisfits(result, given), { ...result, rejected: 3, rejections: [rejection] });
});
