import pg from 'pg';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import { type PostgresDatabase, postgres } from '../../e2e/kit/servers.ts';
import { type Flow, type FlowOptions, openFlow as openSqlFlow } from '../sql/test-flow.ts';
import { connector } from './connector.ts';

export type { Flow, FlowOptions } from '../sql/test-flow.ts';

/** For the tests of this folder: a database, and syncs within it from table to table without an engine. */
export interface TestDatabase extends PostgresDatabase {
  readonly access: SystemAccess;
  /** Runs statements as the owner; rows of the last one, values as text. */
  run(sql: string): Promise<(string | null)[][]>;
  client(): Promise<pg.Client>;
  /** Of the superuser, for this database. */
  readonly adminUrl: string;
  /** As the superuser. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function testDatabase(grant = true): Promise<TestDatabase> {
  const server = await postgres();
  const database = await server.createDatabase();
  if (grant) await server.query(`GRANT pg_read_all_stats TO "${database.user}"`);
  const clients: pg.Client[] = [];
  const client = async (): Promise<pg.Client> => {
    const opened = new pg.Client({
      connectionString: database.url,
      types: { getTypeParser: () => (text: string) => text },
    });
    opened.on('error', () => {});
    await opened.connect();
    clients.push(opened);
    return opened;
  };
  const own = await client();
  const adminUrl = new URL(server.adminUrl);
  adminUrl.pathname = `/${database.database}`;
  return {
    ...database,
    adminUrl: adminUrl.href,
    access: accessOf(database),
    client,
    query: (sql) => server.query(sql, database.database),
    async stop() {
      await Promise.allSettled(clients.map((each) => each.end()));
      await server.stop();
    },
    async run(sql) {
      const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await own.query({
        text: sql,
        rowMode: 'array',
      });
      return ((Array.isArray(result) ? result.at(-1) : result)?.rows ?? []) as (string | null)[][];
    },
  };
}

export function accessOf({ host, port, database, user, password }: PostgresDatabase): SystemAccess {
  return {
    dataSource: 'test/database',
    config: { host, port, database, user, tls: { mode: 'Disable' } },
    secret: (path) => (path === 'password' ? new Secret(password) : undefined),
  };
}

export function openFlow(database: TestDatabase, options: FlowOptions): Promise<Flow> {
  return openSqlFlow({ connector, source: database.access, destination: database.access }, options);
}
