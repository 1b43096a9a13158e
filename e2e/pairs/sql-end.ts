import { BSON } from 'mongodb';
import type { AnyDatabase, DataSystem } from '../kit/systems.ts';
import { readRows } from './read-table.ts';
import { type PairRow, pairColumns, pairRows, readColumns, type SystemEnd } from './system-end.ts';

const columnsOf: Readonly<Record<Exclude<DataSystem, 'mongodb'>, string>> = {
  postgres: 'name text, amount numeric(18,4), at timestamp(3)',
  mysql: 'name varchar(100), amount decimal(18,4), at datetime(3)',
  mariadb: 'name varchar(100), amount decimal(18,4), at datetime(3)',
  sqlite: 'name TEXT, amount DECIMAL_TEXT(18,4), at TIMESTAMP',
  sqlserver: 'name nvarchar(100), amount decimal(18,4), at datetime2(3)',
};

/** A database, with the rows in a table `items`. */
export async function databaseEnd(database: AnyDatabase): Promise<SystemEnd> {
  await (database.system === 'mongodb' ? insertDocuments(database) : insertRows(database));
  const isMongodb = database.system === 'mongodb';
  return {
    type: database.system === 'mariadb' ? 'mysql' : database.system,
    manifest: (name) => database.manifest(name),
    source: {
      ...database.object('items'),
      ...(isMongodb && { columns: pairColumns.map(ofDocument) }),
    },
    mode: 'Snapshot',
    destination: (from) => database.object(`from_${from}`),
    writeMode: 'Upsert',
    guarantee: isMongodb && !database.hasTransactions ? 'AtLeastOnce' : 'ExactlyOnce',
    rows: async (from) => {
      const rows = await readRows(database, `from_${from}`, readColumns);
      return rows.map((row) => ({
        id: row.get('id') ?? '',
        name: row.get('name') ?? null,
        amount: row.get('amount') ?? '',
        at: row.get('at') ?? '',
      }));
    },
  };
}

/** The id is the `_id`, and a date of MongoDB is an instant. */
function ofDocument(column: (typeof pairColumns)[number]) {
  if (column.name === 'id') return { ...column, path: '_id' };
  return column.name === 'at' ? { ...column, type: 'timestamp(3) with time zone' } : column;
}

async function insertRows(database: Exclude<AnyDatabase, { readonly system: 'mongodb' }>): Promise<void> {
  const prefix = database.system === 'sqlserver' ? 'N' : '';
  const lines = pairRows.map(({ id, name, amount, at }) => {
    const text = name === null ? 'NULL' : `${prefix}'${name.replaceAll("'", "''")}'`;
    const decimal = database.system === 'sqlite' ? `'${amount}'` : amount;
    return `(${id}, ${text}, ${decimal}, '${at}')`;
  });
  await database.execute(
    `CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, ${columnsOf[database.system]})`,
    `INSERT INTO items VALUES ${lines.join(', ')}`,
  );
}

async function insertDocuments(
  database: Extract<AnyDatabase, { readonly system: 'mongodb' }>,
): Promise<void> {
  const documents = pairRows.map(({ id, name, amount, at }: PairRow) => ({
    _id: BSON.Long.fromString(id),
    ...(name !== null && { name }),
    amount: BSON.Decimal128.fromString(amount),
    at: new Date(`${at.replace(' ', 'T')}Z`),
  }));
  await database.collection('items').insertMany(documents);
}
