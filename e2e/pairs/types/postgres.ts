import { type Kind, type TypeCase, texts, withoutLastZero, withoutMinusZero } from '../type-case.ts';

const mysqls = ['mysql', 'mariadb'] as const;
/** Without NaN, infinities, and years outside of 1 to 9999. */
const limited = [...mysqls, 'sqlserver'] as const;
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Creates types from extensions or statements before the table. */
export const preparations: readonly string[] = [
  'CREATE EXTENSION IF NOT EXISTS citext',
  'CREATE EXTENSION IF NOT EXISTS hstore',
  "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very ''happy''')",
  'CREATE DOMAIN positive AS integer CHECK (VALUE > 0)',
  'CREATE TYPE pair AS (one integer, two text)',
];

function other(name: string, ddl: string, ...values: readonly string[]): TypeCase {
  return { name, ddl, kind: 'other', values: values.map(quoted) };
}

function array(name: string, of: string, kind: Kind, ...values: readonly string[]): TypeCase {
  return { name, ddl: `${of}[]`, kind: { arrayOf: kind }, values: values.map(quoted) };
}

const numbers: readonly TypeCase[] = [
  { name: 'c_smallint', ddl: 'smallint', kind: 'int', values: ['-32768', '32767', '0'] },
  { name: 'c_integer', ddl: 'integer', kind: 'int', values: ['-2147483648', '2147483647'] },
  {
    name: 'c_bigint',
    ddl: 'bigint',
    kind: 'int',
    values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'],
  },
  { name: 'c_oid', ddl: 'oid', kind: 'int', values: ['0', '4294967295'] },
  { name: 'c_domain', ddl: 'positive', kind: 'int', values: ['1', '2147483647'] },
  {
    name: 'c_numeric38',
    ddl: 'numeric(38,10)',
    kind: 'decimal',
    values: ['0.0000000001', '0'],
    misfits: [
      { at: limited, values: ["'NaN'"] },
      {
        at: ['mongodb'],
        values: ['999999999999999999999999999.9999999999', '-999999999999999999999999999.9999999999'],
      },
    ],
  },
  {
    name: 'c_numeric',
    ddl: 'numeric',
    kind: 'decimal',
    values: ['1.5', '0', '100'],
    misfits: [
      { at: limited, values: ["'NaN'", "'Infinity'", "'-Infinity'", '1e100', '1e-31'] },
      {
        at: ['sqlserver', 'mongodb'],
        values: ['-123456789012345678901234567890.123456789012345678901234567890'],
      },
    ],
  },
  { name: 'c_numeric_whole', ddl: 'numeric(5,-2)', kind: 'decimal', values: ['12300', '-9999900'] },
  { name: 'c_numeric_small', ddl: 'numeric(3,5)', kind: 'decimal', values: ['0.00999', '-0.00001'] },
  // More digits than the decimals of MySQL and SQL Server have.
  {
    name: 'c_numeric_long',
    ddl: 'numeric(100,2)',
    kind: 'decimal',
    values: ['0.01'],
    misfits: [{ at: ['mongodb'], values: [`-${'9'.repeat(98)}.99`] }],
  },
  { name: 'c_numeric_tiny', ddl: 'numeric(3,40)', kind: 'decimal', values: ['-999e-40', '1e-40'] },
  {
    name: 'c_real',
    ddl: 'real',
    kind: 'float32',
    values: ['1.5', '3.4028235e38', '-1.17549435e-38', '0.1', '16777217', "'-0'"],
    misfits: [
      { at: [...limited, 'sqlite'], values: ["'NaN'"] },
      { at: limited, values: ["'Infinity'", "'-Infinity'"] },
    ],
    announced: { sqlite: withoutMinusZero, mariadb: withoutMinusZero },
  },
  {
    name: 'c_double',
    ddl: 'double precision',
    kind: 'float64',
    values: ['1.7976931348623157e308', '2.2250738585072014e-308', '0.1', '9007199254740993', "'-0'"],
    misfits: [
      { at: [...limited, 'sqlite'], values: ["'NaN'"] },
      { at: limited, values: ["'Infinity'", "'-Infinity'"] },
    ],
    announced: { sqlite: withoutMinusZero, mariadb: withoutMinusZero },
  },
  other('c_money', 'money', '$12.34', '-$92233720368547758.08'),
];

const strings: readonly TypeCase[] = [
  { name: 'c_text', ddl: 'text', kind: 'text', values: [...texts.map(quoted), "repeat('long é', 20000)"] },
  { name: 'c_varchar', ddl: 'varchar(40)', kind: 'text', values: texts.map(quoted) },
  { name: 'c_varchar_free', ddl: 'varchar', kind: 'text', values: texts.map(quoted) },
  { name: 'c_char', ddl: 'char(5)', kind: 'char', values: ["'ab'", "'abcde'", "''", "'é🌊'"] },
  { name: 'c_name', ddl: 'name', kind: 'text', values: ["'pg_class'", "''"] },
  { name: 'c_onechar', ddl: '"char"', kind: 'text', values: ["'x'"] },
  { name: 'c_citext', ddl: 'citext', kind: 'text', values: ["'MiXed'"] },
  { name: 'c_mood', ddl: 'mood', kind: 'text', values: ["'sad'", "'very ''happy'''"] },
  {
    name: 'c_bytea',
    ddl: 'bytea',
    kind: 'bytes',
    values: ["'\\x'", "'\\x00ff00'", "'\\x5c4e0a090d22'", "decode(repeat('00ff5c', 1000), 'hex')"],
  },
  { name: 'c_uuid', ddl: 'uuid', kind: 'text', values: ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"] },
  {
    name: 'c_json',
    ddl: 'json',
    kind: 'json',
    announced: { mongodb: withoutLastZero },
    values: [
      `'{"b": 123456789012345678901234567890, "a": [1.10, null, true, "é😀\\n"]}'`,
      `'"text"'`,
      `'null'`,
      `'1'`,
    ],
  },
  {
    name: 'c_jsonb',
    ddl: 'jsonb',
    kind: 'json',
    announced: { mongodb: withoutLastZero },
    values: [
      `'{"b": 123456789012345678901234567890, "a": [1.10, null, true, "é😀\\n"]}'`,
      `'"text"'`,
      `'null'`,
      `'[]'`,
    ],
  },
  { name: 'c_bit', ddl: 'bit(10)', kind: 'bit', values: ["B'1010101010'", "B'0000000001'"] },
  { name: 'c_varbit', ddl: 'varbit', kind: 'bit', values: ["B''", "B'1'", "B'00101'"] },
  { name: 'c_varbit12', ddl: 'bit varying(12)', kind: 'bit', values: ["B'000000000001'", "B'1'"] },
];

const times: readonly TypeCase[] = [
  {
    name: 'c_date',
    ddl: 'date',
    kind: 'date',
    values: ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'"],
    misfits: [
      { at: limited, values: ["'0044-03-15 BC'", "'10000-01-01'"] },
      { at: [...limited, 'mongodb'], values: ["'infinity'", "'-infinity'"] },
    ],
  },
  {
    name: 'c_timestamp',
    ddl: 'timestamp',
    kind: 'timestamp',
    values: [
      "'0001-01-01 00:00:00'",
      "'9999-12-31 23:59:59.999999'",
      "'2026-11-24 08:00:00.123456'",
      "'1969-12-31 23:59:59.000001'",
    ],
    misfits: [
      {
        at: limited,
        values: ["'infinity'", "'-infinity'", "'0044-03-15 12:00:00 BC'", "'10000-01-01 00:00:00'"],
      },
    ],
  },
  { name: 'c_timestamp0', ddl: 'timestamp(0)', kind: 'timestamp', values: ["'2026-11-24 08:00:00'"] },
  { name: 'c_timestamp3', ddl: 'timestamp(3)', kind: 'timestamp', values: ["'2026-11-24 08:00:00.120'"] },
  {
    name: 'c_timestamptz',
    ddl: 'timestamptz',
    kind: 'timestamp',
    values: [
      "'0001-01-01 00:00:00+00'",
      "'9999-12-31 23:59:59.999999+00'",
      "'2026-11-24 08:00:00.123456+05:30'",
      "'2026-10-25 02:30:00 Europe/Rome'",
    ],
    misfits: [{ at: limited, values: ["'infinity'", "'-infinity'", "'0044-03-15 12:00:00+00 BC'"] }],
  },
  {
    name: 'c_time',
    ddl: 'time',
    kind: 'time',
    values: ["'00:00:00'", "'23:59:59.999999'", "'08:00:00.5'"],
    misfits: [{ at: ['sqlserver'], values: ["'24:00:00'"] }],
  },
  { name: 'c_time0', ddl: 'time(0)', kind: 'time', values: ["'23:59:59'"] },
  {
    name: 'c_timetz',
    ddl: 'timetz',
    kind: 'time',
    values: ["'08:00:00.5+05:30'", "'23:59:59.999999-12'", "'00:00:00+00'"],
  },
  {
    name: 'c_interval',
    ddl: 'interval',
    kind: 'other',
    values: [
      "'1 year 2 months 3 days 04:05:06.789'",
      "'-1 mon -1 day'",
      "'0'",
      "'178000000 years'",
      "'-00:00:00.000001'",
      "'1 day -00:00:01'",
    ],
  },
];

const arrays: readonly TypeCase[] = [
  array('c_ints', 'integer', 'int', '{1,NULL,-3}', '{}', '{{1,2},{3,4}}', '{{{1}}}'),
  array('c_bigints', 'bigint', 'int', '{9223372036854775807,9007199254740993}'),
  {
    ...array('c_numerics', 'numeric', 'decimal', '{1.10,NULL}'),
    misfits: [{ at: ['mongodb'], values: ["'{123456789012345678901234567890.123456789,1.10}'"] }],
  },
  array('c_doubles', 'double precision', 'float64', '{1.5,1e300,0.1}'),
  array('c_bools', 'boolean', 'boolean', '{t,f,NULL}'),
  array('c_texts', 'text', 'text', '{"a,b","NULL",NULL,"q\\"uo\\\\te","","{x}"," é🌊\n"}'),
  array('c_moods', 'mood', 'text', '{sad,NULL}'),
  array('c_dates', 'date', 'date', '{2026-11-24,0001-01-01}'),
  array('c_stamps', 'timestamptz', 'timestamp', '{"2026-11-24 08:00:00.123456+02"}'),
  array('c_uuids', 'uuid', 'text', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'),
  array('c_byteas', 'bytea', 'bytes', '{"\\\\x00ff",NULL}'),
  array('c_jsonbs', 'jsonb', 'json', '{"{\\"a\\": 123456789012345678901234567890}","1"}'),
];

const others: readonly TypeCase[] = [
  { name: 'c_boolean', ddl: 'boolean', kind: 'boolean', values: ['true', 'false'] },
  other('c_inet', 'inet', '192.168.1.5/24', '::1', '10.0.0.1'),
  other('c_cidr', 'cidr', '192.168.0.0/16'),
  other('c_macaddr', 'macaddr', '08:00:2b:01:02:03'),
  other('c_macaddr8', 'macaddr8', '08:00:2b:01:02:03:04:05'),
  other('c_point', 'point', '(1.5,-2)'),
  other('c_line', 'line', '{1,2,3}'),
  other('c_lseg', 'lseg', '[(0,0),(1,1)]'),
  other('c_box', 'box', '(1,1),(0,0)'),
  other('c_path', 'path', '((0,0),(1,1))', '[(0,0),(1,1)]'),
  other('c_polygon', 'polygon', '((0,0),(1,1),(1,0))'),
  other('c_circle', 'circle', '<(1,2),3>'),
  other('c_tsvector', 'tsvector', "a:1 'it''s':2A"),
  other('c_tsquery', 'tsquery', "'a' & !'b'"),
  other('c_xml', 'xml', '<a b="1">é</a>'),
  other('c_jsonpath', 'jsonpath', '$.a[*]'),
  other('c_lsn', 'pg_lsn', '16/B374D848'),
  other('c_xid8', 'xid8', '18446744073709551615'),
  other('c_snapshot', 'pg_snapshot', '10:20:10,14,15'),
  other('c_int4range', 'int4range', '[1,5)', 'empty', '(,5)'),
  other('c_int8range', 'int8range', '[1,9223372036854775807)'),
  other('c_numrange', 'numrange', '(1.5,2.5]'),
  other('c_tsrange', 'tsrange', '["2026-01-01 00:00:00","2026-01-02 00:00:00")'),
  other('c_tstzrange', 'tstzrange', '["2026-01-01 00:00:00+00",)'),
  other('c_daterange', 'daterange', '[2026-01-01,2026-02-01)'),
  other('c_multirange', 'int4multirange', '{[1,3),[5,7)}', '{}'),
  other('c_hstore', 'hstore', '"a"=>"1", "b"=>NULL'),
  other('c_pair', 'pair', '(1,"a, b")'),
];

/** PostgreSQL 15: every built-in type that a column of a table may have, and some defined by users and extensions. */
export const postgresTypes: readonly TypeCase[] = [...numbers, ...strings, ...times, ...arrays, ...others];
