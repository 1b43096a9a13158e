import { openSqlServer, type SqlServer, type SqlServerDatabase, type SqlServerSession } from '../servers.ts';
import { serverManifest } from './manifests.ts';
import { asText, nameIn, type TestDatabase, type TestSession } from './test-database.ts';

/** `close` ends the session of `execute` and `rows`. */
export interface SqlServerTestDatabase extends TestDatabase<'sqlserver'> {
  close(): Promise<void>;
}

export async function createSqlServer(server: SqlServer): Promise<SqlServerTestDatabase> {
  const database = await server.createDatabase();
  const session = new SharedSession(database);
  const tableName = (table: string) => `dbo.${nameIn(table)}`;
  return {
    system: 'sqlserver',
    tableName,
    object: (table) => ({ table: tableName(table) }),
    quote: (identifier) => `[${identifier.replaceAll(']', ']]')}]`,
    manifest: (name) => serverManifest(name, 'sqlserver', database),
    execute: async (...statements) => {
      for (const sql of statements) await session.query(sql);
    },
    rows: (sql) => session.query(sql),
    openSession: () => openSession(database),
    close: () => session.close(),
  };
}

/** One session for all statements of a test: the server that stands in for SQL Server takes a second to warm up each one. */
class SharedSession implements TestSession {
  readonly #database: SqlServerDatabase;
  #open: Promise<TestSession> | undefined;

  constructor(database: SqlServerDatabase) {
    this.#database = database;
  }

  async query(sql: string) {
    this.#open ??= openSession(this.#database);
    try {
      return await (await this.#open).query(sql);
    } catch (error) {
      // It may be broken, or within a transaction.
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.then((session) => session.close()).catch(() => {});
  }
}

async function openSession(database: SqlServerDatabase): Promise<TestSession> {
  const session: SqlServerSession = await openSqlServer(database);
  return {
    query: async (sql) => (await session.query(sql)).map((row) => row.map(textOf)),
    close: () => session.close(),
  };
}

function textOf(value: unknown): string | null {
  return value instanceof Date ? value.toISOString() : asText(value);
}
