import mysqlDriver from 'mysql2/promise';
import pg from 'pg';
import { openSqlServer } from '../kit/servers.ts';
import { asText, exactMysqlValues, sqliteSession, type TestSession } from '../kit/systems.ts';
import { documentSession } from './document-session.ts';
import type { FuzzSystemName } from './systems/system.ts';

/** A session of the tester. Values are returned as text, bytes as hexadecimal digits. */
export type Session = TestSession;

export interface IdleSession extends Session {
  end(): Promise<void>;
}

/** A database, with what is needed to open sessions; a file for SQLite. */
export interface Place {
  readonly system: FuzzSystemName;
  readonly url: string;
  /** SET statements of an application (SQL Server). */
  readonly writerSettings?: readonly string[];
  /** Sessions of SQL Server for their next use: the server that stands in for it takes a second to warm up each one. */
  readonly idle?: Record<Role, IdleSession[]>;
}

/** `writer`: has the server's default time zone, like an application. `reader`: every setting that affects displayed values is pinned. */
export type Role = 'writer' | 'reader';

export async function openSession(place: Place, role: Role): Promise<Session> {
  const { system, url } = place;
  switch (system) {
    case 'postgres':
      return await postgresSession(url, role);
    case 'sqlite':
      return sqliteSession(url, role === 'reader' ? 2_000 : 100);
    case 'mysql':
    case 'mariadb':
      return await mysqlSession(system, url, role);
    case 'sqlserver':
      return place.idle?.[role].pop() ?? (await sqlserverSession(place, role));
    case 'mongodb':
    case 'mongodb-memory':
      return await documentSession(url);
  }
}

const postgresSettings: Readonly<Record<string, string>> = {
  DateStyle: 'ISO',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '3',
  bytea_output: 'hex',
  search_path: 'public',
  statement_timeout: '20s',
  lock_timeout: '400ms',
  idle_in_transaction_session_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  client_encoding: 'UTF8',
  xmloption: 'content',
  row_security: 'on',
  timezone_abbreviations: 'Default',
  gin_fuzzy_search_limit: '0',
  quote_all_identifiers: 'off',
};

async function postgresSession(url: string, role: Role): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: () => (text: string) => text },
  });
  client.on('error', () => {});
  await client.connect();
  const all = { ...postgresSettings, ...(role === 'reader' ? { TimeZone: 'UTC' } : {}) };
  const list = Object.entries(all).map(([name, value]) => `set_config('${name}', '${value}', false)`);
  await client.query(`SELECT ${list.join(', ')}`);
  return {
    async query(sql) {
      const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await client.query({
        text: sql,
        rowMode: 'array',
      });
      return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
    },
    close: () => client.end(),
  };
}

const mysqlSettings = [
  "sql_mode = ''",
  'autocommit = 1',
  'sql_select_limit = 18446744073709551615',
  'completion_type = 0',
  'sql_safe_updates = 0',
  'sql_big_selects = 1',
  'max_join_size = 18446744073709551615',
  'max_sort_length = 1024',
  'sql_auto_is_null = 0',
  'innodb_lock_wait_timeout = 1',
  'lock_wait_timeout = 1',
  'wait_timeout = 3600',
  'unique_checks = 1',
  'div_precision_increment = 4',
  'net_read_timeout = 60',
  'net_write_timeout = 60',
  'explicit_defaults_for_timestamp = 1',
  "default_storage_engine = 'InnoDB'",
];
const ofServer: Record<'mysql' | 'mariadb', readonly string[]> = {
  mysql: [
    'max_execution_time = 0',
    'sql_generate_invisible_primary_key = 0',
    'sql_require_primary_key = 0',
    'transaction_read_only = 0',
    "transaction_isolation = 'READ-COMMITTED'",
  ],
  mariadb: [
    'max_statement_time = 0',
    'idle_transaction_timeout = 0',
    "old_mode = ''",
    'tx_read_only = 0',
    "tx_isolation = 'READ-COMMITTED'",
  ],
};

async function mysqlSession(system: 'mysql' | 'mariadb', url: string, role: Role): Promise<Session> {
  const connection = await mysqlDriver.createConnection({
    uri: url,
    ...exactMysqlValues,
  });
  connection.on('error', () => {});
  const zone = role === 'reader' ? ["time_zone = '+00:00'"] : [];
  await connection.query(
    `SET ${[...mysqlSettings, ...ofServer[system], ...zone].map((each) => `SESSION ${each}`).join(', ')}`,
  );
  return {
    async query(sql) {
      const [rows] = await connection.query(sql);
      return Array.isArray(rows) ? (rows as unknown[][]).map((row) => row.map(asText)) : [];
    },
    close: () => connection.end(),
  };
}

async function sqlserverSession({ url, idle, writerSettings = [] }: Place, role: Role): Promise<Session> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const server = await openSqlServer({
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  });
  const settings = ['SET LOCK_TIMEOUT 400', ...(role === 'writer' ? writerSettings : [])];
  // A server that only speaks the protocol does not know all of them.
  for (const each of settings) await server.query(each).catch(() => {});
  let last: Promise<unknown> = Promise.resolve();
  const session: IdleSession = {
    // The driver takes one statement at a time, and two flows may share a reader.
    query(sql) {
      const result = last.then(async () => (await server.query(sql)).map((row) => row.map(cellText)));
      last = result.catch(() => {});
      return result;
    },
    end: () => server.close(),
    async close() {
      if (!idle) return await server.close();
      await server.query('IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION').then(
        async () => void idle[role].push(session),
        () => server.close(),
      );
    },
  };
  return session;
}

function cellText(value: unknown): string | null {
  return value instanceof Date ? value.toISOString() : asText(value);
}
