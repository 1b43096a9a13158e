import { type TypeCase, texts, withoutLastZero } from '../type-case.ts';

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const sqlServers = ['postgres', 'mysql', 'mariadb', 'sqlserver'] as const;
const servers = [...sqlServers, 'mongodb'] as const;
/** Without infinities. */
const limited = ['mysql', 'mariadb', 'sqlserver'] as const;

function int(name: string, ddl: string, ...values: readonly string[]): TypeCase {
  return {
    name,
    ddl,
    kind: 'int',
    values,
    // SQLite enforces no declared type.
    misfits: [{ at: servers, values: ["'abc'", '1.5'], isUndeclared: true }],
  };
}

function real(name: string, ddl: string): TypeCase {
  return {
    name,
    ddl,
    kind: 'float64',
    values: ['1.5', '1.7976931348623157e308', '-2.2250738585072014e-308', '0.1', '9007199254740992', '0'],
    misfits: [
      { at: limited, values: ['9e999', '-9e999'] },
      { at: servers, values: ["'abc'"], isUndeclared: true },
    ],
  };
}

const big = ['-9223372036854775808', '9223372036854775807', '9007199254740993'];

/** SQLite 3: the type names in its documentation, with and without a canonical type of their own, and a column without any. */
export const sqliteTypes: readonly TypeCase[] = [
  int('c_integer', 'INTEGER', ...big),
  int('c_int', 'INT', '1', '-1'),
  int('c_tinyint', 'TINYINT', '127'),
  int('c_bigint', 'BIGINT', ...big),
  int('c_unsigned', 'UNSIGNED BIG INT', '9223372036854775807'),
  real('c_real', 'REAL'),
  real('c_double', 'DOUBLE PRECISION'),
  real('c_float', 'FLOAT'),
  {
    name: 'c_text',
    ddl: 'TEXT',
    kind: 'text',
    values: [...texts.map(quoted), quoted('long é'.repeat(10_000))],
    misfits: [
      // The stand-in for SQL Server is made of PostgreSQL.
      { at: ['postgres', 'sqlserver'], values: ["'a' || char(0) || 'b'"], isUndeclared: true },
      { at: servers, values: ["x'00ff'"], isUndeclared: true },
    ],
  },
  {
    name: 'c_varchar',
    ddl: 'VARCHAR(40)',
    kind: 'text',
    values: texts.map(quoted),
    misfits: [{ at: servers, values: [quoted('x'.repeat(41))], isUndeclared: true }],
  },
  { name: 'c_clob', ddl: 'CLOB', kind: 'text', values: texts.map(quoted) },
  { name: 'c_nchar', ddl: 'NCHAR(20)', kind: 'text', values: ["'é🌊'"] },
  {
    name: 'c_blob',
    ddl: 'BLOB',
    kind: 'bytes',
    values: ["x''", "x'00ff5c4e0a'", 'zeroblob(3000)'],
    misfits: [{ at: servers, values: ["'text'", '42', "'\\\\x00'"], isUndeclared: true }],
  },
  {
    name: 'c_boolean',
    ddl: 'BOOLEAN',
    kind: 'boolean',
    values: ['0', '1'],
    misfits: [{ at: servers, values: ["'maybe'", "'yes'", '2'], isUndeclared: true }],
  },
  {
    name: 'c_date',
    ddl: 'DATE',
    kind: 'date',
    values: ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'"],
    misfits: [
      {
        at: servers,
        values: ["'yesterday'", "'2026-02-30'", "'2026-01-01 10:00:00'", '20260101'],
        isUndeclared: true,
      },
    ],
  },
  {
    name: 'c_datetime',
    ddl: 'DATETIME',
    kind: 'timestamp',
    values: ["'2026-11-24 08:00:00.123456'", "'0001-01-01 00:00:00'", "'9999-12-31T23:59:59.999999'"],
    misfits: [
      { at: servers, values: ["'soon'", "'now'", "'2026-11-24 08:00:00.123456789'"], isUndeclared: true },
    ],
  },
  { name: 'c_timestamp', ddl: 'TIMESTAMP', kind: 'timestamp', values: ["'2026-11-24 08:00:00'"] },
  {
    name: 'c_timestamptz',
    ddl: 'TIMESTAMPTZ',
    kind: 'timestamp',
    values: ["'2026-11-24 08:00:00.5Z'", "'2026-11-24 08:00:00Z'"],
  },
  { name: 'c_time', ddl: 'TIME', kind: 'time', values: ["'23:59:59.999999'", "'00:00:00'"] },
  {
    name: 'c_decimal',
    ddl: 'DECIMAL(10,2)',
    kind: 'decimal',
    values: ['12.5', '-99999999.99', '0', '7'],
    misfits: [{ at: servers, values: ['1.234', "'much'"], isUndeclared: true }],
  },
  {
    name: 'c_decimal_text',
    ddl: 'DECIMAL_TEXT(38,10)',
    kind: 'decimal',
    values: ["'-0.0000000001'"],
    misfits: [
      { at: ['mongodb'], values: ["'999999999999999999999999999.9999999999'"] },
      { at: servers, values: ["'0.12345678901'"], isUndeclared: true },
    ],
  },
  { name: 'c_numeric', ddl: 'NUMERIC', kind: 'decimal', values: ['1.5', '-3', '9223372036854775807'] },
  {
    name: 'c_json',
    ddl: 'JSON_TEXT',
    kind: 'json',
    announced: { mongodb: withoutLastZero },
    values: [`'{"b": 123456789012345678901234567890, "a": [1.10, null, "é😀"]}'`, `'1'`, `'null'`],
    misfits: [{ at: servers, values: ["'{no json'"], isUndeclared: true }],
  },
  {
    name: 'c_uuid',
    ddl: 'UUID',
    kind: 'text',
    values: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    misfits: [{ at: ['postgres', 'sqlserver', 'mongodb'], values: ["'no uuid'"], isUndeclared: true }],
  },
  { name: 'c_interval', ddl: 'INTERVAL', kind: 'other', values: ["'P1Y2M3DT4H5M6.789S'"] },
  { name: 'c_bits', ddl: 'VARBIT_TEXT', kind: 'bit', values: ["'00101'"] },
  {
    name: 'c_untyped',
    ddl: '',
    kind: 'text',
    values: ['42', "'text'", '2.5', '9223372036854775807'],
    misfits: [{ at: sqlServers, values: ["x'00ff'"] }],
  },
];
