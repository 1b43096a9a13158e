import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnType } from '../../../core/values.ts';
import { longestText } from './acceptance.ts';

test('no canonical text is longer than the limit by which a column of text is judged', () => {
  const longest: readonly (readonly [text: string, type: ColumnType])[] = [
    ['false', { kind: 'boolean' }],
    ['-9223372036854775808', { kind: 'int', bits: 64 }],
    ['18446744073709551615', { kind: 'int', bits: 64, isUnsigned: true }],
    ['-12.345', { kind: 'decimal', precision: 5, scale: 3 }],
    ['-0.00012', { kind: 'decimal', precision: 2, scale: 5 }],
    ['-1200', { kind: 'decimal', precision: 2, scale: -2 }],
    ['5874897-12-31', { kind: 'date' }],
    ['4713-01-01 BC', { kind: 'date' }],
    ['23:59:59.999999+15:59:59', { kind: 'time', precision: 6, hasZone: true }],
    ['294276-12-31 23:59:59.999999Z', { kind: 'timestamp', precision: 6, hasZone: true }],
    ['0d4ee4d0-8a1f-4d8f-9f5f-3a2f1c0b9e8d', { kind: 'uuid' }],
  ];
  for (const [text, type] of longest)
    assert.ok((longestText(type) ?? 0) >= text.length, `${text} of ${type.kind}`);
});

test('a column of text that was created for a decimal is not too short for it later', () => {
  assert.equal(longestText({ kind: 'decimal', precision: 100, scale: 2 }), 103);
  assert.equal(longestText({ kind: 'decimal', precision: 3, scale: 40 }), 43);
  assert.equal(longestText({ kind: 'decimal', precision: 70, scale: -5 }), 78);
  assert.equal(longestText({ kind: 'decimal' }), undefined);
});
