import { join } from 'node:path';
import Database from 'better-sqlite3';
import mysqlDriver from 'mysql2/promise';
import pg from 'pg';
import { type MysqlServer, mariadb, mysql, type PostgresServer, postgres } from './servers.ts';

/** MariaDB has the type `mysql`, and is tested separately. */
export const systemNames = ['postgres', 'mysql', 'mariadb', 'sqlite'] as const;
export type SystemName = (typeof systemNames)[number];

/** One empty database of a system, with everything that a scenario requires of any system. Values are the driver's text. */
export interface TestDatabase {
  readonly system: SystemName;
  /** A table of this database, as named in a Sync. */
  tableName(table: string): string;
  quote(identifier: string): string;
  /** Secret and DataSource with this name: YAML documents, each followed by `---`. */
  manifest(name: string): string;
  /** One or several statements in one session. */
  execute(...statements: readonly string[]): Promise<void>;
  /** Integers and decimals as text, NULL as null, bytes as hexadecimal digits. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** A session that stays open, for transactions. */
  openSession(): Promise<TestSession>;
}

export interface TestSession {
  query(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  close(): Promise<void>;
}

/** Servers are started, or found, when their first database is requested. */
export class TestSystems {
  readonly #folder: string;
  readonly #servers = new Map<SystemName, Promise<PostgresServer | MysqlServer>>();
  #files = 0;

  /** `folder` is for SQLite's files. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async createDatabase(system: SystemName): Promise<TestDatabase> {
    if (system === 'sqlite') return sqliteDatabase(join(this.#folder, `${++this.#files}.db`));
    const started = this.#servers.get(system) ?? { postgres, mysql, mariadb }[system]();
    this.#servers.set(system, started);
    const server = await started;
    const database = await server.createDatabase();
    if (system === 'postgres') {
      await server.query(`GRANT pg_read_all_stats TO "${database.user}"`);
      return serverDatabase(system, database, postgresSession(database.url));
    }
    await server.query(`GRANT PROCESS ON *.* TO '${database.user}'@'%'`);
    return serverDatabase(system, database, mysqlSession(database.url));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await server.then((each) => each.stop()).catch(() => {});
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** Each document is followed by `---`; the DataSource takes its password from the Secret with its name. */
export function secretManifest(name: string, password: string): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { password: "${password}" }
---
`;
}

export function dataSourceManifest(name: string, type: 'postgres' | 'mysql', to: Address): string {
  const { host, port, database, user } = to;
  return `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  ${type}: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ${name}, key: password } }
---
`;
}

export function serverManifest(name: string, type: 'postgres' | 'mysql', to: Address): string {
  return secretManifest(name, to.password) + dataSourceManifest(name, type, to);
}

/** A database on a server that the test has started itself. */
export function postgresDatabase(to: Address & { readonly url: string }): TestDatabase {
  return serverDatabase('postgres', to, postgresSession(to.url));
}

export function mysqlDatabase(
  system: 'mysql' | 'mariadb',
  to: Address & { readonly url: string },
): TestDatabase {
  return serverDatabase(system, to, mysqlSession(to.url));
}

function serverDatabase(
  system: 'postgres' | 'mysql' | 'mariadb',
  to: Address,
  openSession: () => Promise<TestSession>,
): TestDatabase {
  const { database } = to;
  const type = system === 'postgres' ? 'postgres' : 'mysql';
  const mark = type === 'postgres' ? '"' : '`';
  return {
    system,
    openSession,
    tableName: (table) => `${type === 'postgres' ? 'public' : database}.${nameIn(table)}`,
    quote: (identifier) => `${mark}${identifier.replaceAll(mark, mark + mark)}${mark}`,
    manifest: (name) => serverManifest(name, type, to),
    ...inSessions(openSession),
  };
}

function sqliteDatabase(path: string): TestDatabase {
  const openSession = async () => sqliteSession(path);
  return {
    system: 'sqlite',
    openSession,
    tableName: nameIn,
    quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
    manifest: (name) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  sqlite: { path: "${path}" }
---
`,
    ...inSessions(openSession),
  };
}

/** A part of a table's name, quoted if it contains a dot or a quote. */
function nameIn(table: string): string {
  return /[."]/.test(table) ? `"${table.replaceAll('"', '""')}"` : table;
}

function inSessions(openSession: () => Promise<TestSession>): Pick<TestDatabase, 'execute' | 'rows'> {
  return {
    async execute(...statements) {
      const session = await openSession();
      try {
        for (const sql of statements) await session.query(sql);
      } finally {
        await session.close();
      }
    },
    async rows(sql) {
      const session = await openSession();
      try {
        return await session.query(sql);
      } finally {
        await session.close();
      }
    },
  };
}

function postgresSession(url: string): () => Promise<TestSession> {
  return async () => {
    const client = new pg.Client({
      connectionString: url,
      options: '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=3',
      types: { getTypeParser: () => (text: string) => text },
    });
    client.on('error', () => {});
    await client.connect();
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
  };
}

/** Driver options with which no value is changed. */
export const exactMysqlValues = {
  rowsAsArray: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
  jsonStrings: true,
  charset: 'utf8mb4',
} as const;

function mysqlSession(url: string): () => Promise<TestSession> {
  return async () => {
    const connection = await mysqlDriver.createConnection({
      uri: url,
      ...exactMysqlValues,
    });
    connection.on('error', () => {});
    await connection.query("SET time_zone = '+00:00', sql_mode = ''");
    return {
      async query(sql) {
        const [rows] = await connection.query(sql);
        return Array.isArray(rows) ? (rows as unknown[][]).map((row) => row.map(asText)) : [];
      },
      close: () => connection.end(),
    };
  };
}

/** `busyMs`: how long a statement waits for another session's lock, which blocks this process. */
export function sqliteSession(path: string, busyMs = 10_000): TestSession {
  const db = new Database(path);
  db.defaultSafeIntegers(true);
  db.pragma('journal_mode = WAL');
  db.pragma(`busy_timeout = ${busyMs}`);
  return {
    async query(sql) {
      // `prepare` accepts only one statement; statements that return no rows may be several.
      if (!/^\s*(select|pragma|with)\b/i.test(sql)) {
        db.exec(sql);
        return [];
      }
      return (db.prepare(sql).raw(true).all() as unknown[][]).map((row) => row.map(asText));
    },
    async close() {
      db.close();
    },
  };
}

export function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return Object.is(value, -0) ? '-0' : String(value);
}
