import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Relation } from '../../../core/values.ts';
import { fieldToIndex, indexFindings } from './field-index.ts';

const orders: Relation = {
  name: 'public.orders',
  columns: [],
  keys: [{ name: 'orders_pkey', columns: ['id'], isPrimary: true }],
  estimatedRows: 50_000,
};
const object = { table: 'public.orders', timestampField: 'updated_at', idField: 'id' };

test('a large table without an index of the field that is read by is reported, with the columns for one', () => {
  assert.equal(fieldToIndex('Timestamp', object, orders), 'updated_at');
  assert.deepEqual(indexFindings('updated_at', orders, 'Timestamp', ['id', 'updated_at']), []);
  const [finding] = indexFindings('updated_at', orders, 'Timestamp', ['id']);
  assert.equal(finding?.code, 'FieldNotIndexed');
  assert.equal(finding?.path, 'spec.source.timestampField');
  assert.equal(finding?.fix, 'create an index of public.orders over updated_at, id');
});

test('no index is searched where none is needed: a key, a small table, a view, a query, a Snapshot', () => {
  assert.equal(fieldToIndex('Id', object, orders), undefined);
  assert.equal(fieldToIndex('Snapshot', object, orders), undefined);
  assert.equal(fieldToIndex('Timestamp', object, { ...orders, estimatedRows: 9_999 }), undefined);
  assert.equal(fieldToIndex('Timestamp', object, { ...orders, isOpaque: true }), undefined);
  assert.equal(fieldToIndex('Timestamp', { query: 'select 1', timestampField: 'a' }, orders), undefined);
  const { estimatedRows: _rows, ...unknown } = orders;
  assert.equal(fieldToIndex('Timestamp', object, unknown), undefined);
  assert.equal(fieldToIndex('Timestamp', object, { ...unknown, estimatedBytes: 5_000_000 }), 'updated_at');
});
