import { type TypeCase, texts } from '../../pairs/type-case.ts';

const quoted = (text: string) => `N'${text.replaceAll("'", "''")}'`;

/** Types of SQL Server that every system keeps. */
export const sqlserverTypes: readonly TypeCase[] = [
  { name: 'c_bit', ddl: 'bit', kind: 'boolean', values: ['0', '1'] },
  { name: 'c_tinyint', ddl: 'tinyint', kind: 'int', values: ['0', '255'] },
  { name: 'c_smallint', ddl: 'smallint', kind: 'int', values: ['-32768', '32767'] },
  { name: 'c_int', ddl: 'int', kind: 'int', values: ['-2147483648', '2147483647'] },
  {
    name: 'c_bigint',
    ddl: 'bigint',
    kind: 'int',
    values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'],
  },
  {
    name: 'c_decimal',
    ddl: 'decimal(28,10)',
    kind: 'decimal',
    values: ['999999999999999999.9999999999', '-0.0000000001', '0', '12.5'],
  },
  { name: 'c_numeric', ddl: 'numeric(5,0)', kind: 'decimal', values: ['-99999', '7'] },
  { name: 'c_money', ddl: 'money', kind: 'decimal', values: ['922337203685477.5807', '-0.0001'] },
  {
    name: 'c_float',
    ddl: 'float',
    kind: 'float64',
    values: ['1.7976931348623157e308', '2.2250738585072014e-308', '0.1', '9007199254740993'],
  },
  { name: 'c_real', ddl: 'real', kind: 'float32', values: ['1.5', '3.4028235e38', '0.1', '16777217'] },
  { name: 'c_nvarchar', ddl: 'nvarchar(100)', kind: 'text', values: texts.map(quoted) },
  {
    name: 'c_nvarchar_max',
    ddl: 'nvarchar(max)',
    kind: 'text',
    values: [quoted('long é'.repeat(5_000)), "N''"],
  },
  { name: 'c_varchar', ddl: 'varchar(40)', kind: 'text', values: ["'plain'", "''", "' trailing  '"] },
  { name: 'c_nchar', ddl: 'nchar(10)', kind: 'char', values: ["N'é🌊'", "N''"] },
  { name: 'c_varbinary', ddl: 'varbinary(40)', kind: 'bytes', values: ['0x', '0x00ff5c4e0a', '0x0000'] },
  { name: 'c_varbinary_max', ddl: 'varbinary(max)', kind: 'bytes', values: [`0x${'ab00'.repeat(3_000)}`] },
  { name: 'c_date', ddl: 'date', kind: 'date', values: ["'20240229'", "'00010101'", "'99991231'"] },
  {
    name: 'c_datetime2',
    ddl: 'datetime2(6)',
    kind: 'timestamp',
    values: ["'2026-11-24T08:00:00.123456'", "'1970-01-01T00:00:01'"],
  },
  { name: 'c_datetime', ddl: 'datetime', kind: 'timestamp', values: ["'2026-11-24T08:00:00.123'"] },
  { name: 'c_smalldatetime', ddl: 'smalldatetime', kind: 'timestamp', values: ["'2026-11-24T08:01:00'"] },
  {
    name: 'c_datetimeoffset',
    ddl: 'datetimeoffset(6)',
    kind: 'timestamp',
    values: ["'2026-11-24T08:00:00.5+00:00'", "'2026-11-24T23:30:00.123456-05:30'"],
  },
  {
    name: 'c_uniqueidentifier',
    ddl: 'uniqueidentifier',
    kind: 'text',
    values: ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'"],
  },
];
