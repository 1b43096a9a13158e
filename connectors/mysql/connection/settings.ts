import { identityVariables } from '../identity.ts';

/**
 * What every session of Idra sets, regardless of the server's defaults, configuration file and init_connect: everything that changes
 * which rows a statement sees, how values are written, how literals are read, or when a statement is ended. Settings that a server does
 * not have are left out. Tested in settings.test.ts.
 */
export interface Setting {
  readonly name: string;
  /** The value as written in a SET statement. */
  readonly value: string;
  readonly reason: string;
  /** The server refuses to change it while a transaction is open. */
  readonly isOutsideTransactions?: true;
}

const unlimited = '18446744073709551615';

/**
 * Sent before any query, because these limits would also truncate the answers about the server. MySQL and MariaDB each read one of the
 * two comments.
 */
export const noLimits = `SET SESSION sql_select_limit = ${unlimited}, SESSION sql_big_selects = 1/*!50708 , SESSION max_execution_time = 0 *//*M!100101 , SESSION max_statement_time = 0 */`;

/** Strict, except for zero dates, which both sides of a MySQL-to-MySQL sync may hold. An id of 0 is stored as 0. */
const sqlMode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO';

export const settings: readonly Setting[] = [
  // Settings for which rows a statement sees.
  { name: 'sql_select_limit', value: unlimited, reason: 'ends a SELECT without LIMIT after this many rows' },
  { name: 'sql_big_selects', value: '1', reason: 'refuses a SELECT by the estimate of max_join_size' },
  { name: 'sql_auto_is_null', value: '0', reason: 'IS NULL would find the row that was inserted last' },
  {
    name: 'transaction_isolation',
    value: "'REPEATABLE-READ'",
    reason: 'rows that are not committed yet would be read',
  },
  { name: 'tx_isolation', value: "'REPEATABLE-READ'", reason: 'the same, by its name on MariaDB' },
  {
    name: 'innodb_snapshot_isolation',
    value: '0',
    reason: 'a locking read fails where a row has changed since the snapshot',
  },
  {
    name: 'system_versioning_asof',
    value: 'DEFAULT',
    reason: 'a SELECT would see versioned tables as they were',
  },
  { name: 'use_secondary_engine', value: "'OFF'", reason: 'a secondary engine may lag behind the table' },
  {
    name: 'max_sort_length',
    value: '65536',
    reason: 'ORDER BY compares only this many bytes: pages by longer keys would be out of order',
  },
  {
    name: 'transaction_read_only',
    value: '1',
    reason: 'sessions that only read (plan, check, discover, sources) cannot write: see mayWrite',
  },
  { name: 'tx_read_only', value: '1', reason: 'the same, by its name on MariaDB' },
  // Settings for how values are written and literals are read.
  { name: 'time_zone', value: "'+00:00'", reason: 'TIMESTAMP values are written and read in this zone' },
  {
    name: 'sql_mode',
    value: `'${sqlMode}'`,
    reason: 'quotes, escapes, padding of CHAR, and values that do not fit',
  },
  { name: 'old_mode', value: "'UTF8_IS_UTF8MB3'", reason: 'the result of casts, and the meaning of utf8' },
  {
    name: 'div_precision_increment',
    value: '4',
    reason: 'digits after the decimal point of a division in a query',
  },
  { name: 'group_concat_max_len', value: '1073741824', reason: 'GROUP_CONCAT in a query would be cut' },
  {
    name: 'windowing_use_high_precision',
    value: '1',
    reason: 'sums of window functions in a query would be rounded',
  },
  { name: 'default_week_format', value: '0', reason: 'WEEK() in a query' },
  { name: 'default_regex_flags', value: "''", reason: 'REGEXP in a query' },
  { name: 'lc_time_names', value: "'en_US'", reason: 'names of days and months in a query' },
  { name: 'lc_messages', value: "'en_US'", reason: 'the column of an error is read from its message' },
  {
    name: 'explicit_defaults_for_timestamp',
    value: '1',
    reason: 'NULL in a TIMESTAMP would become the current time',
    isOutsideTransactions: true,
  },
  { name: 'sql_notes', value: '1', reason: 'a rounded DECIMAL is reported only as a note' },
  { name: 'note_verbosity', value: "'basic'", reason: 'the same' },
  // Settings for how the catalog is written.
  { name: 'sql_quote_show_create', value: '1', reason: 'the text of SHOW CREATE TABLE is compared' },
  { name: 'show_create_table_verbosity', value: '0', reason: 'the same' },
  { name: 'show_create_table_skip_secondary_engine', value: '0', reason: 'the same' },
  {
    name: 'show_gipk_in_create_table_and_information_schema',
    value: '1',
    reason: 'a generated primary key would be hidden',
  },
  // Settings for what a write checks, and when it is committed.
  { name: 'autocommit', value: '1', reason: 'transactions begin only where Idra begins them' },
  {
    name: 'completion_type',
    value: "'NO_CHAIN'",
    reason: 'COMMIT would begin another transaction, or end the session',
  },
  { name: 'foreign_key_checks', value: '1', reason: 'rows with broken references would be accepted' },
  { name: 'unique_checks', value: '1', reason: 'duplicates could be accepted' },
  { name: 'check_constraint_checks', value: '1', reason: 'rows that violate a CHECK would be accepted' },
  { name: 'sql_safe_updates', value: '0', reason: 'an UPDATE by a join would be refused' },
  // Settings for when a statement is ended.
  { name: 'max_execution_time', value: '0', reason: 'a long SELECT would be ended' },
  { name: 'max_statement_time', value: '0', reason: 'a long statement would be ended' },
  {
    name: 'idle_transaction_timeout',
    value: '0',
    reason: 'a transaction that waits for the other end would be ended',
  },
  { name: 'idle_readonly_transaction_timeout', value: '0', reason: 'the same' },
  { name: 'idle_write_transaction_timeout', value: '0', reason: 'the same' },
  {
    name: 'lock_wait_timeout',
    value: '60',
    reason: 'by default a year: a pass would wait behind a DDL statement',
  },
  { name: 'net_read_timeout', value: '600', reason: 'a body that is slow to arrive would be cut off' },
  {
    name: 'net_write_timeout',
    value: '86400',
    reason: 'a result that waits for the other end would be cut off',
  },
  { name: 'wait_timeout', value: '28800', reason: 'a session that waits for its next pass would be closed' },
];

/** Sent by a writer when it claims. Before that, and in every other session, neither statements nor the functions they call can write. */
export const mayWrite = 'SET SESSION TRANSACTION READ WRITE';

/** The locks of a writer that stopped halfway are released after this many seconds of silence, even if nobody claims the table. */
export const idleLimit = {
  inTransaction: 'SET SESSION wait_timeout = 60',
  otherwise: 'SET SESSION wait_timeout = 28800',
} as const;

/** Returns the setting names that this server has: they are in its answer to SHOW VARIABLES. */
export const askForKnown = `SHOW SESSION VARIABLES WHERE Variable_name IN (${[...settings.map(({ name }) => name), ...identityVariables].map((name) => `'${name}'`).join(', ')})`;

/** MySQL and MariaDB have different defaults for comparisons that involve no column. */
const collationOfLiterals = { mysql: 'utf8mb4_0900_ai_ci', mariaDb: 'utf8mb4_general_ci' } as const;

export interface SetUp {
  /** Statements for a new session. */
  readonly first: readonly string[];
  /** Sent within a transaction, before each statement that may call user-defined functions: these can change session settings. */
  readonly again: readonly string[];
}

export function setUpOf(known: ReadonlySet<string>, isMariaDb: boolean, more: readonly string[]): SetUp {
  const all = settings.filter(({ name }) => known.has(name));
  const collation = isMariaDb ? collationOfLiterals.mariaDb : collationOfLiterals.mysql;
  const names = `SET NAMES utf8mb4 COLLATE ${collation}`;
  const set = (some: readonly Setting[]) =>
    `SET ${[...some.map(({ name, value }) => `${name} = ${value}`), ...more].map((each) => `SESSION ${each}`).join(', ')}`;
  return {
    first: [names, set(all)],
    again: [names, set(all.filter((each) => !each.isOutsideTransactions))],
  };
}
