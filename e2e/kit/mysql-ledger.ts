import mysql from 'mysql2/promise';
import { decodeOffset } from '../../core/offset.ts';
import type { LedgerEntry } from './ledger.ts';
import type { MysqlDatabase } from './servers.ts';

/** The ledger of ledger.ts for a MySQL or MariaDB destination. */
export async function installMysqlLedger(database: MysqlDatabase): Promise<void> {
  const note = (event: string) => `
    CREATE TRIGGER note_${event} AFTER ${event} ON _idra_commits FOR EACH ROW
      INSERT INTO ledger (uid, name, token, \`offset\`, \`rows\`) VALUES (NEW.uid, NEW.name, NEW.token, NEW.\`offset\`, NEW.\`rows\`)`;
  await onMysql(database, async (connection) => {
    await connection.query(`
      CREATE TABLE ledger (
        nr bigint AUTO_INCREMENT PRIMARY KEY, uid varchar(100), name varchar(300), token bigint,
        \`offset\` longtext, \`rows\` bigint)`);
    for (const event of ['insert', 'update']) await connection.query(note(event));
  });
}

export async function readMysqlLedger(database: MysqlDatabase): Promise<readonly LedgerEntry[]> {
  return await onMysql(database, async (connection) => {
    const [rows] = await connection.query('SELECT * FROM ledger ORDER BY nr');
    return (rows as Record<string, string | null>[]).map((row) => ({
      nr: Number(row.nr),
      uid: row.uid ?? '',
      name: row.name ?? '',
      token: BigInt(row.token ?? 0),
      offset: row.offset ? decodeOffset(row.offset) : null,
      rows: Number(row.rows),
      transaction: '',
    }));
  });
}

/** Runs `body` with its own connection; integers are returned unchanged. */
export async function onMysql<T>(
  database: MysqlDatabase,
  body: (connection: mysql.Connection) => Promise<T>,
): Promise<T> {
  const { host, port, user, password, database: schema } = database;
  const exact = { supportBigNumbers: true, bigNumberStrings: true };
  const connection = await mysql.createConnection({ host, port, user, password, database: schema, ...exact });
  try {
    return await body(connection);
  } finally {
    await connection.end();
  }
}
