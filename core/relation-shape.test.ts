import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireShape } from './relation-shape.ts';
import type { Column, Relation } from './values.ts';

const id: Column = {
  name: 'id',
  type: { kind: 'int', bits: 64, isUnsigned: false },
  nativeType: 'bigint',
  isNullable: false,
};
const v: Column = { name: 'v', type: { kind: 'text' }, nativeType: 'text', isNullable: true };
const planned: Relation = {
  name: 's.t',
  columns: [id, v],
  keys: [{ name: 't_pkey', columns: ['id'], isPrimary: true }],
  identity: '1',
};

test('a difference between two shapes is described', () => {
  requireShape(planned, { ...planned, estimatedRows: 5, keys: [{ ...planned.keys[0]!, name: 'other' }] });
  const cases: [Relation | null, RegExp][] = [
    [null, /s\.t has changed since it was planned: it no longer exists/],
    [{ ...planned, identity: '2' }, /another table of the same name/],
    [{ ...planned, columns: [v, id] }, /the order of its columns changed/],
    [{ ...planned, columns: [id] }, /column v no longer exists/],
    [
      { ...planned, columns: [id, { ...v, name: 'w' }] },
      /column v no longer exists, column w \(text\) is new/,
    ],
    [{ ...planned, columns: [{ ...id, nativeType: 'integer' }, v] }, /id was bigint and is integer/],
    [{ ...planned, columns: [id, { ...v, isNullable: false }] }, /v is now not nullable/],
    [{ ...planned, columns: [id, { ...v, collation: 'C' }] }, /a different default, collation/],
    [{ ...planned, keys: [] }, /its keys changed/],
  ];
  for (const [now, message] of cases)
    assert.throws(() => requireShape(planned, now), { code: 'SchemaChanged', message });
});
