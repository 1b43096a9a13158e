import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, ColumnType } from '../../../core/values.ts';
import { dialect, literalText } from './literals.ts';

function literal(text: string, type: ColumnType, nativeType: string, more: Partial<Column> = {}): string {
  return dialect.literal(text, { name: 'c', type, nativeType, isNullable: false, ...more });
}

test('a quote cannot end a literal, and a backslash at the end of a line stays', () => {
  assert.equal(literalText("it's"), "N'it''s'");
  assert.equal(literalText('a\\\nb'), "N'a\\' + N'\nb'");
  assert.equal(literalText('a\\\r\nb'), "N'a\\' + N'\r\nb'");
  assert.equal(literalText('a\\b'), "N'a\\b'");
});

test('a literal has the type of its column', () => {
  assert.equal(literal('5', { kind: 'int', bits: 64 }, 'bigint'), "CONVERT(bigint, '5')");
  assert.equal(literal('0.1', { kind: 'float', bits: 32 }, 'real'), 'CONVERT(real, 0.10000000149011612e0)');
  assert.equal(literal('00ff', { kind: 'bytes' }, 'varbinary(2)'), '0x00ff');
  assert.equal(
    literal(
      '2026-11-24 08:00:00.1Z',
      { kind: 'timestamp', precision: 7, hasZone: true },
      'datetimeoffset(7)',
    ),
    "TODATETIMEOFFSET(CONVERT(datetime2(7), '2026-11-24 08:00:00.1', 121), '+00:00')",
  );
  assert.equal(
    literal('x', { kind: 'text', maxLength: 5 }, 'varchar(5)', { collation: 'Latin1_General_CI_AS' }),
    "CONVERT(varchar(8000), N'x' COLLATE Latin1_General_CI_AS)",
  );
});

test('an offset that is not of its type, or more than a value, is refused', () => {
  const cases: [string, ColumnType, string][] = [
    ['5; DROP TABLE t', { kind: 'int', bits: 64 }, 'bigint'],
    ['0g', { kind: 'bytes' }, 'varbinary(2)'],
    ["2026' --", { kind: 'date' }, 'date'],
    ["x' OR 1=1", { kind: 'uuid' }, 'uniqueidentifier'],
    ['1e', { kind: 'float', bits: 64 }, 'float'],
  ];
  for (const [text, type, native] of cases)
    assert.throws(() => literal(text, type, native), { code: 'OffsetInvalid' }, text);
});

test('a collation that is not a name does not become part of a statement', () => {
  const type: ColumnType = { kind: 'text', maxLength: 5 };
  assert.equal(literal('x', type, 'varchar(5)', { collation: 'a b' }), "N'x'");
});
