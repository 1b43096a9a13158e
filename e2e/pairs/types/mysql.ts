import type { SystemName } from '../../kit/systems.ts';
import { type TypeCase, texts, withoutMinusZero } from '../type-case.ts';

const quoted = (text: string) =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;

function int(name: string, ddl: string, ...values: readonly string[]): TypeCase {
  return { name, ddl, kind: 'int', values };
}

const numbers: readonly TypeCase[] = [
  int('c_tinyint', 'tinyint', '-128', '127'),
  int('c_utinyint', 'tinyint unsigned', '0', '255'),
  // Called a boolean, but every number of a tinyint is allowed.
  int('c_bool', 'tinyint(1)', '0', '1'),
  int('c_smallint', 'smallint', '-32768', '32767'),
  int('c_usmallint', 'smallint unsigned', '0', '65535'),
  int('c_mediumint', 'mediumint', '-8388608', '8388607'),
  int('c_umediumint', 'mediumint unsigned', '0', '16777215'),
  int('c_int', 'int', '-2147483648', '2147483647'),
  int('c_uint', 'int unsigned', '0', '4294967295'),
  int('c_bigint', 'bigint', '-9223372036854775808', '9223372036854775807', '9007199254740993'),
  int('c_ubigint', 'bigint unsigned', '0', '18446744073709551615'),
  int('c_year', 'year', '1901', '2155', '0'),
  { name: 'c_decimal', ddl: 'decimal(10,0)', kind: 'decimal', values: ['9999999999', '-9999999999'] },
  {
    name: 'c_decimal38',
    ddl: 'decimal(38,10)',
    kind: 'decimal',
    values: ['-0.0000000001', '0'],
    misfits: [{ at: ['mongodb'], values: ['999999999999999999999999999.9999999999'] }],
  },
  {
    name: 'c_decimal65',
    ddl: 'decimal(65,30)',
    kind: 'decimal',
    values: ['0', '-1.5'],
    misfits: [
      { at: ['mongodb'], values: ['99999999999999999999999999999999999.999999999999999999999999999999'] },
    ],
  },
  {
    name: 'c_udecimal',
    ddl: 'decimal(20,2) unsigned',
    kind: 'decimal',
    values: ['999999999999999999.99', '0'],
  },
  {
    name: 'c_float',
    ddl: 'float',
    kind: 'float32',
    values: ['1.5', '3.402823466e38', '-1.175494351e-38', '0.1', '16777217', '-0e0'],
    announced: { sqlite: withoutMinusZero, mariadb: withoutMinusZero },
  },
  {
    name: 'c_double',
    ddl: 'double',
    kind: 'float64',
    values: ['1.7976931348623157e308', '2.2250738585072014e-308', '0.1', '9007199254740993', '-0e0'],
    announced: { sqlite: withoutMinusZero, mariadb: withoutMinusZero },
  },
  { name: 'c_bit1', ddl: 'bit(1)', kind: 'bit', values: ["b'0'", "b'1'"] },
  { name: 'c_bit10', ddl: 'bit(10)', kind: 'bit', values: ["b'1010101010'", "b'1'"] },
  { name: 'c_bit64', ddl: 'bit(64)', kind: 'bit', values: ['18446744073709551615', "b'1'"] },
];

/** NUL is allowed in texts of MySQL and SQLite, but not of PostgreSQL, which the stand-in for SQL Server is made of. */
const nul = [{ at: ['postgres', 'sqlserver'] as const, values: ["'a\\0b'"], isUndeclared: true as const }];

const strings: readonly TypeCase[] = [
  { name: 'c_char', ddl: 'char(5)', kind: 'char', values: ["'ab'", "'abcde'", "''", "'é🌊'"] },
  { name: 'c_varchar', ddl: 'varchar(40)', kind: 'text', values: texts.map(quoted), misfits: nul },
  {
    name: 'c_latin1',
    ddl: 'varchar(20) character set latin1',
    kind: 'text',
    values: ["'é ü'", "'\\\\N'", "''"],
  },
  { name: 'c_utf16', ddl: 'varchar(20) character set utf16', kind: 'text', values: ["'é🌊'"] },
  { name: 'c_tinytext', ddl: 'tinytext', kind: 'text', values: texts.map(quoted) },
  {
    name: 'c_text',
    ddl: 'text',
    kind: 'text',
    values: [...texts.map(quoted), "repeat('long é', 9000)"],
    misfits: nul,
  },
  { name: 'c_mediumtext', ddl: 'mediumtext', kind: 'text', values: ["repeat('é', 100000)"] },
  { name: 'c_longtext', ddl: 'longtext', kind: 'text', values: texts.map(quoted) },
  { name: 'c_binary', ddl: 'binary(4)', kind: 'bytes', values: ["x'00ff0000'", "x'5c4e0a09'"] },
  { name: 'c_varbinary', ddl: 'varbinary(8)', kind: 'bytes', values: ["x''", "x'00ff5c0a'"] },
  { name: 'c_tinyblob', ddl: 'tinyblob', kind: 'bytes', values: ["x''", "x'00'"] },
  { name: 'c_blob', ddl: 'blob', kind: 'bytes', values: ["x'00ff'", "unhex(repeat('00ff5c', 10000))"] },
  { name: 'c_mediumblob', ddl: 'mediumblob', kind: 'bytes', values: ["x'0d0a'"] },
  { name: 'c_longblob', ddl: 'longblob', kind: 'bytes', values: ["x'22275c'"] },
  { name: 'c_enum', ddl: "enum('a','it''s','é, b')", kind: 'text', values: ["'a'", "'it''s'", "'é, b'"] },
  { name: 'c_set', ddl: "set('x','y z','w')", kind: 'text', values: ["'x,w'", "''", "'y z'"] },
];

const zeroDate = (...values: readonly string[]) => [
  { at: ['postgres', 'sqlserver', 'mongodb'] as const, values },
];

const times: readonly TypeCase[] = [
  {
    name: 'c_date',
    ddl: 'date',
    kind: 'date',
    values: ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'"],
    misfits: zeroDate("'0000-00-00'", "'2026-00-00'"),
  },
  {
    name: 'c_datetime',
    ddl: 'datetime',
    kind: 'timestamp',
    values: ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'"],
    misfits: zeroDate("'0000-00-00 00:00:00'"),
  },
  { name: 'c_datetime3', ddl: 'datetime(3)', kind: 'timestamp', values: ["'2026-11-24 08:00:00.120'"] },
  {
    name: 'c_datetime6',
    ddl: 'datetime(6)',
    kind: 'timestamp',
    values: ["'2026-11-24 08:00:00.123456'", "'9999-12-31 23:59:59.999999'"],
  },
  {
    name: 'c_timestamp',
    ddl: 'timestamp NULL',
    kind: 'timestamp',
    values: ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"],
    misfits: zeroDate("'0000-00-00 00:00:00'"),
  },
  {
    name: 'c_timestamp6',
    ddl: 'timestamp(6) NULL',
    kind: 'timestamp',
    values: ["'2026-11-24 08:00:00.123456'"],
  },
  {
    name: 'c_time',
    ddl: 'time',
    kind: 'duration',
    values: ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'12:34:56'"],
  },
  {
    name: 'c_time6',
    ddl: 'time(6)',
    kind: 'duration',
    values: ["'-00:00:00.000001'", "'23:59:59.999999'"],
  },
  {
    name: 'c_json',
    ddl: 'json',
    kind: 'json',
    values: [`'{"b": [1.5, null, true, "é😀\\\\n"], "a": 9223372036854775807}'`, `'"text"'`, `'null'`, `'1'`],
  },
];

const ofMysql: readonly TypeCase[] = [
  { name: 'c_point', ddl: 'point', kind: 'other', values: ["st_geomfromtext('POINT(1.5 -2)')"] },
  {
    name: 'c_geometry',
    ddl: 'geometry',
    kind: 'other',
    values: ["st_geomfromtext('LINESTRING(0 0,1 1)')"],
  },
];

const versions: Record<'mysql' | 'mariadb', readonly TypeCase[]> = {
  mysql: [{ name: 'c_vector', ddl: 'vector(3)', kind: 'other', values: ["string_to_vector('[1,2.5,-3]')"] }],
  mariadb: [
    { name: 'c_uuid', ddl: 'uuid', kind: 'text', values: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"] },
    { name: 'c_inet4', ddl: 'inet4', kind: 'other', values: ["'10.0.0.1'"] },
    { name: 'c_inet6', ddl: 'inet6', kind: 'other', values: ["'::1'", "'2001:db8::ff00:42:8329'"] },
  ],
};

/** MySQL 9.7 and MariaDB 10.11: every type, and those that only one of them has. */
export function mysqlTypes(system: Extract<SystemName, 'mysql' | 'mariadb'>): readonly TypeCase[] {
  return [...numbers, ...strings, ...times, ...ofMysql, ...versions[system]];
}
