import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnType } from '../../../core/values.ts';
import { dialect } from './literals.ts';

test('a literal compares as the value itself: no bit and no digit is lost', () => {
  const literal = (text: string, type: ColumnType) =>
    dialect.literal(text, { name: 'id', type, nativeType: '', isNullable: false });
  const bits: ColumnType = { kind: 'bit', length: 64 };
  assert.equal(literal(`1${'0'.repeat(62)}1`, bits), '9223372036854775809');
  assert.equal(literal('0'.repeat(64), bits), '0');
  assert.equal(literal('0.1', { kind: 'float', bits: 32 }), '0.10000000149011612e0');
  assert.equal(literal('0.10000000149011612', { kind: 'float', bits: 32 }), '0.10000000149011612e0');
  assert.equal(literal('3.3e+38', { kind: 'float', bits: 32 }), '3.299999965482712e+38');
  assert.equal(literal('0.1', { kind: 'float', bits: 64 }), '0.1e0');
});
