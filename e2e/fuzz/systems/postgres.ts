import { postgresTypes } from '../../pairs/types/postgres.ts';
import { decimal, double, hexKey, int, texts, timeKey, uuidKey } from './key-values.ts';
import { sqlStatements } from './sql-statements.ts';
import type { Setting, Shape, SqlFuzzSystem } from './system.ts';

const shapes: readonly Shape[] = [
  {
    name: 'partitioned',
    needsPrimaryKey: true,
    create: (table, body, key) => [
      `CREATE TABLE ${table} (${body}) PARTITION BY HASH (${key[0] ?? 'r'})`,
      ...[0, 1].map(
        (rest) =>
          `CREATE TABLE ${withSuffix(table, `_p${rest}`)} PARTITION OF ${table} FOR VALUES WITH (MODULUS 2, REMAINDER ${rest})`,
      ),
    ],
  },
  {
    name: 'inherited',
    create: (table, body) => [
      `CREATE TABLE ${table} (${body})`,
      `CREATE TABLE ${withSuffix(table, '_c')} () INHERITS (${table})`,
    ],
    insertInto: (table, random) => (random.chance(0.4) ? withSuffix(table, '_c') : table),
  },
  {
    name: 'unlogged',
    create: (table, body) => [`CREATE UNLOGGED TABLE ${table} (${body})`],
  },
];

/** `{t0}` is replaced by the runner, which knows the actual name. */
function withSuffix(table: string, suffix: string): string {
  return table.replace(/\}$/, `${suffix}}`);
}

/** The name without its schema. */
function bare(table: string): string {
  return table.replace('{', '{!');
}

/** Settings of a database or a role. */
const settings: readonly Setting[] = [
  { name: 'TimeZone', values: ["'America/New_York'", "'Asia/Tokyo'", "'Asia/Kolkata'", "'UTC'"] },
  { name: 'DateStyle', values: ["'German, DMY'", "'SQL, MDY'", "'Postgres, DMY'"] },
  { name: 'IntervalStyle', values: ['sql_standard', 'postgres_verbose', 'iso_8601'] },
  { name: 'extra_float_digits', values: ['0', '-15'] },
  { name: 'bytea_output', values: ['escape'] },
  { name: 'search_path', values: ["''", 'pg_catalog', 'nowhere', 'pg_catalog, public'] },
  { name: 'statement_timeout', values: ["'900ms'"] },
  { name: 'lock_timeout', values: ["'50ms'"] },
  { name: 'idle_in_transaction_session_timeout', values: ["'2s'"] },
  { name: 'default_transaction_isolation', values: ['serializable', "'repeatable read'"] },
  { name: 'default_transaction_deferrable', values: ['on'] },
  { name: 'standard_conforming_strings', values: ['off'] },
  { name: 'backslash_quote', values: ['on', 'off'] },
  { name: 'array_nulls', values: ['off'] },
  { name: 'transform_null_equals', values: ['on'] },
  { name: 'client_encoding', values: ['LATIN1', 'SQL_ASCII'] },
  { name: 'enable_seqscan', values: ['off'] },
  { name: 'enable_indexscan', values: ['off'] },
  { name: 'plan_cache_mode', values: ['force_generic_plan'] },
  { name: 'quote_all_identifiers', values: ['on'] },
  { name: 'xmloption', values: ['document'] },
  { name: 'row_security', values: ['off'] },
  { name: 'synchronous_commit', values: ['off'] },
  { name: 'timezone_abbreviations', values: ["'India'"] },
  { name: 'gin_fuzzy_search_limit', values: ['1'] },
  { name: 'from_collapse_limit', values: ['1'] },
  { name: 'constraint_exclusion', values: ['on'] },
  { name: 'default_toast_compression', values: ['pglz'] },
  { name: 'default_table_access_method', values: ['heap'] },
  { name: 'check_function_bodies', values: ['off'] },
];

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;

export const postgres: SqlFuzzSystem = {
  name: 'postgres',
  quote,
  statements: sqlStatements(quote),
  own: { int: 'integer', bigint: 'bigint', text: 'varchar(40)' },
  showsOpenTransactions: true,
  types: postgresTypes,
  shapes,
  settings,
  hasPrepared: true,
  coarseText: 'citext',
  keyTypes: [
    int('int', 'integer'),
    int('bigint', 'bigint', 9_007_199_254_740_990n),
    int('smallint', 'smallint'),
    decimal('numeric(20,4)'),
    double('double precision'),
    ...texts('text', { text: '', c: '"C"', icu: '"und-x-icu"' }),
    ...texts('varchar(50)', { varchar: '' }),
    { name: 'citext', ddl: 'citext', kind: 'text', value: (n) => `'w${n}'` },
    { name: 'uuid', ddl: 'uuid', kind: 'text', value: uuidKey },
    { name: 'bytes', ddl: 'bytea', kind: 'bytes', value: (n) => `decode('${hexKey(n)}', 'hex')` },
    { name: 'timestamp', ddl: 'timestamp', kind: 'timestamp', value: timeKey, isGrowing: true },
    {
      name: 'timestamptz',
      ddl: 'timestamptz',
      kind: 'timestamp',
      value: (n) => timeKey(n).replace(/'$/, "Z'"),
    },
    { name: 'date', ddl: 'date', kind: 'date', value: (n) => `date '2020-01-01' + ${n}` },
  ],
  timeTypes: [
    { ddl: 'timestamptz', now: 'now()' },
    { ddl: 'timestamptz', now: 'clock_timestamp()' },
    { ddl: 'timestamptz(3)', now: 'now()' },
    { ddl: 'timestamptz(0)', now: 'now()' },
    { ddl: 'timestamp', now: 'now()' },
    { ddl: 'timestamp(0)', now: 'clock_timestamp()' },
  ],
  retypes: [
    { from: 'integer', to: 'bigint', kind: 'int' },
    { from: 'integer', to: 'double precision', kind: 'float64' },
    { from: 'integer', to: 'real', kind: 'float32' },
    { from: 'integer', to: 'numeric', kind: 'decimal' },
    { from: 'integer', to: 'text', kind: 'text' },
    { from: 'integer', to: 'smallint', kind: 'int' },
    { from: 'bigint', to: 'double precision', kind: 'float64' },
    { from: 'bigint', to: 'integer', kind: 'int' },
    { from: 'bigint', to: 'numeric', kind: 'decimal' },
    { from: 'smallint', to: 'bigint', kind: 'int' },
    { from: 'varchar(40)', to: 'text', kind: 'text' },
    { from: 'varchar(40)', to: 'varchar(80)', kind: 'text' },
    { from: 'varchar(40)', to: 'varchar(3)', kind: 'text' },
    { from: 'varchar(40)', to: 'bytea', kind: 'bytes' },
    { from: 'text', to: 'varchar(50)', kind: 'text' },
    { from: 'timestamptz', to: 'timestamp', kind: 'timestamp' },
    { from: 'timestamp', to: 'timestamptz', kind: 'timestamp' },
    { from: 'timestamptz', to: 'timestamptz(0)', kind: 'timestamp' },
  ],
  retype: (table, column, ddl) =>
    `ALTER TABLE ${table} ALTER COLUMN ${quote(column)} TYPE ${ddl} USING ${quote(column)}::${ddl.replace(/ COLLATE.*/, '')}`,
  setNotNull: (table, column, _ddl, isNotNull) =>
    `ALTER TABLE ${table} ALTER COLUMN ${quote(column)} ${isNotNull ? 'SET' : 'DROP'} NOT NULL`,
  renameColumn: (table, from, to) => `ALTER TABLE ${table} RENAME COLUMN ${quote(from)} TO ${quote(to)}`,
  swapNames: (table, one, other) => [
    'BEGIN',
    postgres.renameColumn(table, one, 'swap_'),
    postgres.renameColumn(table, other, one),
    postgres.renameColumn(table, 'swap_', other),
    'COMMIT',
  ],
  renameTable: (table, to) => `ALTER TABLE ${table} RENAME TO ${to}`,
  truncate: (table) => `TRUNCATE ${table} RESTART IDENTITY`,
  dropKey: (table) => `ALTER TABLE ${table} DROP CONSTRAINT ${bare(withSuffix(table, '_pkey'))}`,
};
