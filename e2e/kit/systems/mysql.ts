import mysqlDriver from 'mysql2/promise';
import type { MysqlServer } from '../servers.ts';
import { serverManifest } from './manifests.ts';
import {
  type Address,
  asText,
  inSessions,
  nameIn,
  type TestDatabase,
  type TestSession,
} from './test-database.ts';

/** A new database, whose user may see the transactions of others. */
export async function createMysql(system: 'mysql' | 'mariadb', server: MysqlServer): Promise<TestDatabase> {
  const database = await server.createDatabase();
  await server.query(`GRANT PROCESS ON *.* TO '${database.user}'@'%'`);
  return mysqlDatabase(system, database);
}

/** A database on a server that the test has started itself. */
export function mysqlDatabase(
  system: 'mysql' | 'mariadb',
  to: Address & { readonly url: string },
): TestDatabase {
  const tableName = (table: string) => `${to.database}.${nameIn(table)}`;
  return {
    system,
    tableName,
    object: (table) => ({ table: tableName(table) }),
    quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
    manifest: (name) => serverManifest(name, 'mysql', to),
    ...inSessions(() => openSession(to.url)),
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

async function openSession(url: string): Promise<TestSession> {
  const connection = await mysqlDriver.createConnection({ uri: url, ...exactMysqlValues });
  connection.on('error', () => {});
  await connection.query("SET time_zone = '+00:00', sql_mode = ''");
  return {
    async query(sql) {
      const [rows] = await connection.query(sql);
      return Array.isArray(rows) ? (rows as unknown[][]).map((row) => row.map(asText)) : [];
    },
    close: () => connection.end(),
  };
}
