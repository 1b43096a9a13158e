import pg from 'pg';
import type { PostgresServer } from '../servers.ts';
import { serverManifest } from './manifests.ts';
import { type Address, inSessions, nameIn, type TestDatabase, type TestSession } from './test-database.ts';

/** A new database, whose user may see the transactions of others. */
export async function createPostgres(server: PostgresServer): Promise<TestDatabase> {
  const database = await server.createDatabase();
  await server.query(`GRANT pg_read_all_stats TO "${database.user}"`);
  return postgresDatabase(database);
}

/** A database on a server that the test has started itself. */
export function postgresDatabase(to: Address & { readonly url: string }): TestDatabase {
  const tableName = (table: string) => `public.${nameIn(table)}`;
  return {
    system: 'postgres',
    tableName,
    object: (table) => ({ table: tableName(table) }),
    quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
    manifest: (name) => serverManifest(name, 'postgres', to),
    ...inSessions(() => openSession(to.url)),
  };
}

async function openSession(url: string): Promise<TestSession> {
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
}
