import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { encodeRow, loadColumn } from './encode.ts';
import { RowBytes } from './row-bytes.ts';

/** The bytes that are loaded for a value, or why it is refused. */
function encoded(type: ColumnType, ddl: string, value: Value): string {
  const source = { name: 'c', type, nativeType: ddl, isNullable: true };
  const planned: PlannedColumn = { source, name: 'c', existing: null, ddl, isNullable: true };
  const plan = { key: [], hasUniqueKey: false } as unknown as WritePlan;
  const bytes = new RowBytes();
  bytes.beginRow();
  const refused = encodeRow(bytes, [value], [loadColumn(planned, plan)]);
  return refused?.why ?? hexOf(bytes);
}

function hexOf(bytes: RowBytes): string {
  return Buffer.concat(bytes.finish()).subarray(1).toString('hex');
}

/** What the column's bytes are for this value. */
function wrote(write: (bytes: RowBytes) => void): string {
  const bytes = new RowBytes();
  bytes.beginRow();
  write(bytes);
  return hexOf(bytes);
}

const decimal: ColumnType = { kind: 'decimal', precision: 38, scale: 10 };

test('decimals keep every digit, and are never rounded', () => {
  const write = (value: string, ddl = 'decimal(38,10)') => encoded({ kind: 'decimal' }, ddl, value);
  assert.equal(
    write('-1234567890123456789012345678.0123456789'),
    wrote((row) => row.decimal(true, 12345678901234567890123456780123456789n)),
  );
  assert.equal(
    write('.5', 'decimal(2,1)'),
    wrote((row) => row.decimal(false, 5n)),
  );
  assert.equal(
    write('7', 'decimal(5,2)'),
    wrote((row) => row.decimal(false, 700n)),
  );
  assert.equal(
    write('1.200', 'decimal(3,1)'),
    wrote((row) => row.decimal(false, 12n)),
  );
  assert.match(String(write('1.23', 'decimal(3,1)')), /more than 1 digits/);
  assert.match(String(write('100', 'decimal(2,0)')), /out of range/);
  assert.match(String(write('NaN')), /no NaN/);
  assert.match(String(encoded(decimal, 'decimal(38,10)', '1e5')), /not a valid decimal/);
});

test('integers are those of the column', () => {
  const int: ColumnType = { kind: 'int', bits: 64 };
  assert.equal(encoded(int, 'bigint', -(2n ** 63n)), '080000000000000080');
  assert.match(encoded(int, 'bigint', 2n ** 63n), /out of range/);
  assert.match(encoded(int, 'int', 1.5), /not a valid integer/);
  assert.equal(encoded(int, 'int', -2n), '04feffffff');
  assert.equal(encoded(int, 'smallint', 258), '020201');
  assert.equal(encoded(int, 'tinyint', 255n), '01ff');
  assert.match(String(encoded(int, 'tinyint', -1n)), /out of range/);
  assert.match(String(encoded(int, 'int', 2n ** 31n)), /out of range/);
  assert.equal(encoded({ kind: 'boolean' }, 'bit', true), '0101');
});

test('floats are finite', () => {
  const float: ColumnType = { kind: 'float', bits: 64 };
  assert.equal(
    encoded(float, 'float', 1.7976931348623157e308),
    wrote((row) => row.float(8, 1.7976931348623157e308)),
  );
  assert.equal(
    encoded(float, 'real', 0.1),
    wrote((row) => row.float(4, 0.1)),
  );
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    assert.match(String(encoded(float, 'float', value)), /no NaN/);
});

test('times are days and units, and those that do not exist are refused', () => {
  const stamp: ColumnType = { kind: 'timestamp', precision: 7, hasZone: false };
  assert.equal(
    encoded(stamp, 'datetime2(7)', '0001-01-01 00:00:00.0000001'),
    wrote((row) => row.time(7, 1, 0)),
  );
  assert.equal(
    encoded(stamp, 'datetime2(7)', '9999-12-31 23:59:59.9999999'),
    wrote((row) => row.time(7, 863_999_999_999, 3_652_058)),
  );
  for (const value of ['infinity', '0044-03-15 00:00:00 BC', '10000-01-01 00:00:00', '2026-02-30 00:00:00'])
    assert.match(encoded(stamp, 'datetime2(7)', value), /years|not a/, value);
  assert.equal(
    encoded({ kind: 'date' }, 'date', '0044-03-15'),
    wrote((row) => row.date(15_779)),
  );
  assert.match(encoded({ kind: 'date' }, 'date', '0044-03-15 BC'), /years/);
  const zoned: ColumnType = { kind: 'timestamp', precision: 3, hasZone: true };
  assert.equal(
    encoded(zoned, 'datetimeoffset(3)', '1970-01-01 00:00:00.001Z'),
    wrote((row) => row.time(3, 1, 719_162, true)),
  );
  assert.match(
    String(encoded({ kind: 'time', precision: 0, hasZone: false }, 'time(0)', '24:00:00')),
    /not a time/,
  );
});

test('texts that are longer than their column are refused, also by blanks, which the server would remove', () => {
  const text: ColumnType = { kind: 'text' };
  assert.equal(
    encoded(text, 'nvarchar(3)', 'abc'),
    wrote((row) => row.text('abc', false)),
  );
  assert.match(String(encoded(text, 'nvarchar(3)', 'abc ')), /longer/);
  assert.match(String(encoded(text, 'nvarchar(3)', '😀😀')), /longer/);
  assert.match(String(encoded({ kind: 'bytes' }, 'varbinary(2)', Buffer.alloc(3))), /longer/);
  assert.match(String(encoded({ kind: 'json' }, 'nvarchar(max)', '{')), /JSON/);
});
