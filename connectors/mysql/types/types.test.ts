import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ColumnType } from '../../../core/values.ts';
import { toColumnType } from './column-types.ts';
import { keepsNumbers } from './json-numbers.ts';
import { types } from './types.ts';

function created(type: ColumnType, isKey = false, nativeType?: string): string {
  const native = types.columnFor(type, nativeType === undefined ? { isKey } : { isKey, nativeType });
  return 'ddl' in native ? native.ddl : `refused: ${native.refusal}`;
}

function isAccepted(nativeType: string, type: ColumnType): boolean {
  const existing = {
    name: 'c',
    nativeType,
    type: toColumnType(nativeType, { collation: null }),
    isNullable: true,
  };
  return types.accepts(existing, type, { isKey: false }).isAccepted;
}

const text = (maxLength?: number): ColumnType => ({
  kind: 'text',
  ...(maxLength !== undefined && { maxLength }),
});

describe('columns that are created', () => {
  const cases: readonly [string, string][] = [
    [created({ kind: 'int', bits: 64, isUnsigned: true }), 'BIGINT UNSIGNED'],
    [created({ kind: 'boolean' }), 'TINYINT(1)'],
    [created({ kind: 'decimal' }), 'DECIMAL(65,30)'],
    [created({ kind: 'decimal', precision: 5, scale: -2 }), 'DECIMAL(7,0)'],
    [created({ kind: 'decimal', precision: 3, scale: 5 }), 'DECIMAL(5,5)'],
    [created({ kind: 'decimal', precision: 100, scale: 2 }), 'VARCHAR(103)'],
    [created({ kind: 'decimal', precision: 65, scale: 31 }), 'VARCHAR(68)'],
    [created({ kind: 'timestamp', precision: 6, hasZone: true }), "DATETIME(6) COMMENT 'UTC'"],
    [created({ kind: 'timestamp', precision: 7, hasZone: false }), 'VARCHAR(48)'],
    [created({ kind: 'json' }), 'LONGTEXT'],
    [created({ kind: 'json' }, false, 'json'), 'json'],
    [created({ kind: 'uuid' }), 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin'],
    [created({ kind: 'uuid' }, false, 'uuid'), 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin'],
    [created({ kind: 'bytes' }), 'LONGBLOB'],
    [created({ kind: 'bit', length: 65 }), 'VARCHAR(65)'],
    [created({ kind: 'bit', length: 64 }), 'BIT(64)'],
    [created(text()), 'LONGTEXT'],
    [created(text(300)), 'LONGTEXT'],
    [created(text(), true), 'VARCHAR(255)'],
    [created(text(768), true), 'VARCHAR(768)'],
    [created(text(769), true), 'VARCHAR(255)'],
    [created(text(), true, 'longtext'), 'VARCHAR(255)'],
    [created({ kind: 'json' }, true), 'refused: a json cannot be part of a key in MySQL'],
    [
      created({ kind: 'timestamp', precision: 3, hasZone: true }, false, 'datetime(3)'),
      "datetime(3) COMMENT 'UTC'",
    ],
  ];
  for (const [is, wanted] of cases) test(wanted, () => assert.equal(is, wanted));
});

describe('values that an existing column keeps', () => {
  const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale });
  const zoned = (hasZone: boolean, precision = 6): ColumnType => ({ kind: 'timestamp', precision, hasZone });
  const cases: readonly [string, ColumnType, boolean][] = [
    ['bigint', { kind: 'int', bits: 64 }, true],
    ['bigint', { kind: 'int', bits: 64, isUnsigned: true }, false],
    ['int unsigned', { kind: 'int', bits: 32 }, false],
    ['bigint', { kind: 'int', bits: 32, isUnsigned: true }, true],
    ['tinyint(1)', { kind: 'boolean' }, true],
    ['decimal(10,2)', decimal(10, 2), true],
    ['decimal(10,2)', decimal(10, 3), false],
    ['decimal(10,2) unsigned', decimal(8, 2), false],
    ['decimal(20,0)', { kind: 'int', bits: 64, isUnsigned: true }, true],
    ['decimal(19,0)', { kind: 'int', bits: 64, isUnsigned: true }, false],
    ['double', { kind: 'int', bits: 64 }, false],
    ['float', { kind: 'float', bits: 64 }, false],
    ['varchar(10)', text(10), true],
    ['varchar(9)', text(10), false],
    ['char(10)', text(10), false],
    ['char(10)', { kind: 'text', maxLength: 10, isFixed: true }, true],
    ['char(36)', { kind: 'uuid' }, true],
    ['text', text(), false],
    ['longtext', text(), true],
    ['longtext', { kind: 'bytes' }, false],
    ['binary(4)', { kind: 'bytes', maxLength: 4 }, false],
    ['datetime(6)', zoned(true), true],
    ['datetime(3)', zoned(false, 6), false],
    ['timestamp(6)', zoned(true), true],
    ['timestamp(6)', zoned(false), false],
    ['time', { kind: 'time', precision: 6, hasZone: false }, false],
    ['time(6)', { kind: 'time', precision: 6, hasZone: true }, false],
    ["enum('a','b')", { kind: 'enum', values: ['a'] }, true],
    ["enum('a','b')", { kind: 'enum', values: ['c'] }, false],
    ["enum('a','b')", text(1), false],
    ["set('a','b')", { kind: 'other', system: 'mysql', name: "set('a','b')" }, true],
    ['bit(8)', { kind: 'bit', length: 4 }, false],
  ];
  for (const [native, type, wanted] of cases) {
    test(`${native}: ${JSON.stringify(type)}`, () => assert.equal(isAccepted(native, type), wanted));
  }
});

test('numbers that MySQL would change within JSON are detected, digits in strings are not', () => {
  for (const kept of [
    '18446744073709551615',
    '-9223372036854775808',
    '1.5',
    '1e300',
    '{"a":[0.1,"1234567890123456789012"]}',
  ]) {
    assert.equal(keepsNumbers(kept), true, kept);
  }
  for (const changed of [
    '18446744073709551616',
    '[-9223372036854775809]',
    '0.1234567890123456789',
    '1e400',
  ]) {
    assert.equal(keepsNumbers(changed), false, changed);
  }
});

test('a limit in bytes is reported as bytes', () => {
  const why = (nativeType: string, type: ColumnType) => {
    const existing = { name: 'c', nativeType, type: toColumnType(nativeType, { collation: null }) };
    const acceptance = types.accepts({ ...existing, isNullable: true }, type, { isKey: false });
    return acceptance.isAccepted ? '' : acceptance.reason;
  };
  assert.match(why('text', text()), /MySQL's text keeps 65,535 bytes/);
  assert.match(why('tinyblob', { kind: 'bytes' }), /MySQL's tinyblob keeps 255 bytes/);
  assert.match(why('varchar(9)', text(10)), /MySQL's varchar\(9\) keeps 9 characters/);
});
