import { mysqlTypes } from '../../pairs/types/mysql.ts';
import { decimal, double, hexKey, int, texts, timeKey, uuidKey } from './key-values.ts';
import { sqlStatements } from './sql-statements.ts';
import type { KeyType, Setting, SqlFuzzSystem } from './system.ts';

/** Global settings: they apply to later sessions. */
const settings: readonly Setting[] = [
  {
    name: 'sql_mode',
    values: [
      "''",
      "'ANSI_QUOTES'",
      "'NO_BACKSLASH_ESCAPES'",
      "'PAD_CHAR_TO_FULL_LENGTH'",
      "'PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE'",
      "'REAL_AS_FLOAT,NO_UNSIGNED_SUBTRACTION'",
      "'TRADITIONAL'",
      "'ANSI'",
    ],
  },
  { name: 'time_zone', values: ["'+09:00'", "'-05:00'", "'+05:30'"] },
  { name: 'sql_select_limit', values: ['2', '7'] },
  { name: 'autocommit', values: ['0'] },
  { name: 'completion_type', values: ['1'] },
  { name: 'sql_safe_updates', values: ['1'] },
  { name: 'sql_big_selects', values: ['0'] },
  { name: 'max_join_size', values: ['3'] },
  { name: 'max_sort_length', values: ['8'] },
  { name: 'group_concat_max_len', values: ['4'] },
  { name: 'div_precision_increment', values: ['0'] },
  { name: 'lc_time_names', values: ["'de_DE'"] },
  { name: 'sql_auto_is_null', values: ['1'] },
  { name: 'default_week_format', values: ['3'] },
  { name: 'innodb_lock_wait_timeout', values: ['1'] },
  { name: 'lock_wait_timeout', values: ['1'] },
  { name: 'wait_timeout', values: ['3'] },
  { name: 'net_read_timeout', values: ['2'] },
  { name: 'net_write_timeout', values: ['2'] },
  { name: 'unique_checks', values: ['0'] },
  { name: 'foreign_key_checks', values: ['0'] },
  { name: 'explicit_defaults_for_timestamp', values: ['0'] },
  { name: 'default_storage_engine', values: ["'MyISAM'"] },
  { name: 'default_tmp_storage_engine', values: ["'MyISAM'"] },
  { name: 'tmp_table_size', values: ['1024'] },
  { name: 'updatable_views_with_limit', values: ['0'] },
  { name: 'low_priority_updates', values: ['1'] },
  { name: 'max_allowed_packet', values: ['1048576'] },
];

const isolations = ["'READ-UNCOMMITTED'", "'SERIALIZABLE'", "'READ-COMMITTED'"];

const ofServer: Record<'mysql' | 'mariadb', readonly Setting[]> = {
  mysql: [
    { name: 'transaction_isolation', values: isolations },
    { name: 'max_execution_time', values: ['900', '1'] },
    { name: 'sql_generate_invisible_primary_key', values: ['1'] },
    { name: 'sql_require_primary_key', values: ['1'] },
    { name: 'show_create_table_verbosity', values: ['1'] },
    { name: 'select_into_disk_sync', values: ['1'] },
    { name: 'collation_server', values: ["'latin1_swedish_ci'"] },
    { name: 'default_collation_for_utf8mb4', values: ["'utf8mb4_general_ci'"] },
  ],
  mariadb: [
    { name: 'tx_isolation', values: isolations },
    { name: 'max_statement_time', values: ['0.9'] },
    { name: 'old_mode', values: ["'ZERO_DATE_TIME_CAST'", "'UTF8_IS_UTF8MB3'"] },
    { name: 'collation_server', values: ["'latin1_swedish_ci'"] },
    { name: 'idle_transaction_timeout', values: ['2'] },
    { name: 'note_verbosity', values: ["''"] },
    { name: 'expensive_subquery_limit', values: ['1'] },
  ],
};

const quote = (identifier: string) => `\`${identifier.replaceAll('`', '``')}\``;
const nullability = (isNotNull: boolean) => (isNotNull ? ' NOT NULL' : ' NULL');

const collations = {
  mysql: {
    ai_ci: 'utf8mb4_0900_ai_ci',
    bin: 'utf8mb4_0900_bin',
    padded: 'utf8mb4_bin',
    general: 'utf8mb4_general_ci',
  },
  mariadb: {
    unicode: 'utf8mb4_unicode_ci',
    bin: 'utf8mb4_nopad_bin',
    padded: 'utf8mb4_bin',
    general: 'utf8mb4_general_ci',
  },
};

function keyTypes(name: 'mysql' | 'mariadb'): readonly KeyType[] {
  const uuid: KeyType = { name: 'uuid', ddl: 'uuid', kind: 'text', value: uuidKey };
  return [
    int('int', 'int'),
    int('unsigned', 'bigint unsigned', 9_223_372_036_854_775_800n),
    int('bigint', 'bigint', 9_007_199_254_740_990n),
    int('smallint', 'smallint unsigned'),
    decimal('decimal(20,4)'),
    double('double'),
    ...texts('varchar(50)', collations[name]),
    { name: 'varbinary', ddl: 'varbinary(20)', kind: 'bytes', value: (n) => `x'${hexKey(n)}'` },
    { name: 'datetime', ddl: 'datetime(6)', kind: 'timestamp', value: timeKey, isGrowing: true },
    { name: 'date', ddl: 'date', kind: 'date', value: (n) => `date_add('2020-01-01', interval ${n} day)` },
    ...(name === 'mariadb' ? [uuid] : []),
  ];
}

export function mysqlFamily(name: 'mysql' | 'mariadb'): SqlFuzzSystem {
  const modify = (table: string, column: string, ddl: string, isNotNull: boolean) =>
    `ALTER TABLE ${table} MODIFY ${quote(column)} ${ddl}${nullability(isNotNull)}`;
  const renamed = (from: string, to: string) => `RENAME COLUMN ${quote(from)} TO ${quote(to)}`;
  return {
    name,
    quote,
    statements: sqlStatements(quote),
    own: { int: 'int', bigint: 'bigint', text: 'varchar(40)' },
    showsOpenTransactions: true,
    types: mysqlTypes(name),
    settings: [...settings, ...ofServer[name]],
    hasPrepared: false,
    coarseText: 'varchar(50) COLLATE utf8mb4_general_ci',
    shapes: [
      {
        name: 'partitioned',
        needsPrimaryKey: true,
        create: (table, body, key) => [
          `CREATE TABLE ${table} (${body}) ENGINE=InnoDB PARTITION BY KEY (${quote(key[0] ?? 'r')}) PARTITIONS 2`,
        ],
      },
    ],
    keyTypes: keyTypes(name),
    timeTypes: [
      { ddl: 'datetime(6)', now: 'now(6)' },
      { ddl: 'datetime(6)', now: 'sysdate(6)' },
      { ddl: 'timestamp(6)', now: 'now(6)' },
      { ddl: 'datetime', now: 'now()' },
      { ddl: 'timestamp', now: 'now()' },
    ],
    retypes: [
      { from: 'int', to: 'bigint', kind: 'int' },
      { from: 'int', to: 'double', kind: 'float64' },
      { from: 'int', to: 'decimal(20,2)', kind: 'decimal' },
      { from: 'int', to: 'varchar(30)', kind: 'text' },
      { from: 'int', to: 'int unsigned', kind: 'int' },
      { from: 'bigint', to: 'int', kind: 'int' },
      { from: 'bigint', to: 'double', kind: 'float64' },
      { from: 'varchar(40)', to: 'varchar(80)', kind: 'text' },
      { from: 'varchar(40)', to: 'varchar(3)', kind: 'text' },
      { from: 'varchar(40)', to: 'text', kind: 'text' },
      { from: 'varchar(40)', to: 'varchar(40) CHARACTER SET latin1', kind: 'text' },
      { from: 'varchar(40)', to: 'varbinary(100)', kind: 'bytes' },
      { from: 'datetime(6)', to: 'timestamp(6)', kind: 'timestamp' },
      { from: 'datetime(6)', to: 'datetime', kind: 'timestamp' },
    ],
    retype: modify,
    setNotNull: modify,
    renameColumn: (table, from, to) => `ALTER TABLE ${table} ${renamed(from, to)}`,
    swapNames: (table, one, other) => [`ALTER TABLE ${table} ${renamed(one, other)}, ${renamed(other, one)}`],
    renameTable: (table, to) => `ALTER TABLE ${table} RENAME TO ${to}`,
    truncate: (table) => `TRUNCATE TABLE ${table}`,
    dropKey: (table) => `ALTER TABLE ${table} DROP PRIMARY KEY`,
  };
}
