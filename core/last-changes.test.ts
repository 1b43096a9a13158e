import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Batch } from './batch.ts';
import type { PlannedColumn } from './column-plan.ts';
import type { WritePlan } from './connector.ts';
import { deletionColumns, lastChanges } from './last-changes.ts';
import type { ColumnType, Row } from './values.ts';

const planned = (name: string, type: ColumnType): PlannedColumn => ({
  source: { name, type, nativeType: type.kind, isNullable: true },
  name,
  existing: null,
  ddl: type.kind,
  isNullable: true,
});

function planOf(key: ColumnType, deletes: WritePlan['deletes'] = 'Hard'): WritePlan {
  const columns = [planned('v', { kind: 'text' }), planned('id', key)];
  if (deletes === 'Soft')
    columns.push(planned('_deleted_at', { kind: 'timestamp', precision: 6, hasZone: true }));
  return {
    uid: 'u',
    writeMode: 'Upsert',
    columns: { columns, findings: [], refused: [] },
    key: ['id'],
    existing: null,
    onError: 'Stop',
    deletes,
    redactsKeys: false,
    hasUniqueKey: true,
  };
}

function batchOf(rows: readonly Row[], deletions: readonly number[]): Batch {
  return {
    rows: { format: 'values', rows, deletions },
    rowCount: rows.length,
    byteCount: 1,
    offset: { mode: 'Stream', token: 't' },
  };
}

const rowsOf = ({ rows }: Batch) => ('rows' in rows ? [...rows.rows] : []);

test('the last change of a key decides, also if its key is written in another way', () => {
  const batch = batchOf(
    [
      ['a', '1.0'],
      [null, '1.00'],
      ['b', '2'],
      [null, '2.0'],
      ['c', '2.000'],
    ],
    [1, 3],
  );
  const { upserts, deletions } = lastChanges(batch, planOf({ kind: 'decimal' }));
  assert.deepEqual([rowsOf(upserts), upserts.rowCount, deletions], [[['c', '2.000']], 1, [['1.00']]]);
  const times = batchOf(
    [
      ['a', '2026-01-01 00:00:00.10Z'],
      [null, '2026-01-01 00:00:00.1Z'],
    ],
    [1],
  );
  const type: ColumnType = { kind: 'timestamp', precision: 6, hasZone: true };
  assert.equal(lastChanges(times, planOf(type)).upserts.rowCount, 0);
});

test('a batch without deletions is left as it is, with several rows of a key', () => {
  const batch = batchOf(
    [
      ['a', 1n],
      ['b', 1n],
    ],
    [],
  );
  assert.equal(lastChanges(batch, planOf({ kind: 'int', bits: 64 })).upserts, batch);
});

test('Soft: a deletion has its key and its time', () => {
  const plan = planOf({ kind: 'int', bits: 64 }, 'Soft');
  assert.deepEqual(
    deletionColumns(plan).map(({ name }) => name),
    ['id', '_deleted_at'],
  );
  const { deletions } = lastChanges(batchOf([[null, 5n, 'now']], [0]), plan);
  assert.deepEqual(deletions, [[5n, 'now']]);
});

test('applied to any table, the two sets have the effect of the changes one after the other', () => {
  const change = fc.record({ id: fc.nat(4), isDeletion: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change), fc.uniqueArray(fc.nat(4)), (changes, before) => {
      const rows = changes.map(
        ({ id, isDeletion }, index): Row => [isDeletion ? null : `v${index}`, BigInt(id)],
      );
      const deleted = changes.flatMap(({ isDeletion }, index) => (isDeletion ? [index] : []));
      const expected = new Map(before.map((id) => [BigInt(id), 'before']));
      for (const [index, row] of rows.entries()) {
        if (changes[index]?.isDeletion) expected.delete(row[1] as bigint);
        else expected.set(row[1] as bigint, String(row[0]));
      }
      const { upserts, deletions } = lastChanges(batchOf(rows, deleted), planOf({ kind: 'int', bits: 64 }));
      const found = new Map(before.map((id) => [BigInt(id), 'before']));
      for (const [id] of deletions) found.delete(id as bigint);
      for (const [value, id] of rowsOf(upserts)) found.set(id as bigint, String(value));
      assert.deepEqual(new Map([...found].toSorted()), new Map([...expected].toSorted()));
    }),
  );
});
