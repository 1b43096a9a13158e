import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, ColumnType } from '../../../core/values.ts';
import { decoderOf } from './decode.ts';

function decoded(type: ColumnType, cell: string | number): unknown {
  const column: Column = { name: 'c', type, nativeType: '', isNullable: true };
  return decoderOf(column, 'dbo.t')?.(cell) ?? cell;
}

test('a text with half of a surrogate pair is refused, because no other system could store it', () => {
  for (const kind of ['text', 'json'] as const) {
    assert.equal(decoded({ kind }, '"\u{1f600}"'), '"\u{1f600}"');
    for (const half of ['a\ud800', '\udc00'])
      assert.throws(() => decoded({ kind }, half), { code: 'ValueNotKept', message: /column c of dbo\.t/ });
  }
});

test('times lose the zeros at the end of their fraction, and instants are in UTC', () => {
  const stamp = (hasZone: boolean): ColumnType => ({ kind: 'timestamp', precision: 7, hasZone });
  assert.equal(decoded(stamp(false), '2026-11-24 08:00:00.1200000'), '2026-11-24 08:00:00.12');
  assert.equal(decoded(stamp(true), '2026-11-24 08:00:00.0000000'), '2026-11-24 08:00:00Z');
  assert.equal(decoded({ kind: 'int', bits: 64 }, '9007199254740993'), 9007199254740993n);
});
