import type pg from 'pg';
import type { Coordination } from '../../coordination/contract.ts';
import { onDatabase } from '../kit/ledger.ts';
import { onMysql } from '../kit/mysql-ledger.ts';
import type { MysqlDatabase, PostgresDatabase } from '../kit/servers.ts';
import { idle, Writers } from '../kit/writers.ts';

/** One Sync of the workload, and the tables of its rows. */
export interface Flow {
  readonly name: string;
  readonly uid: string;
  readonly kind: 'events' | 'orders' | 'rest';
  readonly destination: 'warehouse' | 'lake';
  readonly table: string;
}

export interface Databases {
  readonly source: PostgresDatabase;
  readonly warehouse: PostgresDatabase;
  readonly lake: MysqlDatabase;
}

const restRows = 2_000;
const kinds = ['events', 'orders', 'events', 'orders', 'rest'] as const;
const columns = { events: 'id, body', orders: 'id, amount, note, updated_at', rest: 'id, body' } as const;

export function makeFlows(count: number): readonly Flow[] {
  return Array.from({ length: count }, (_, index): Flow => {
    const kind = kinds[index % kinds.length] ?? 'events';
    const table = `${kind}_${index}`;
    return {
      name: table.replace('_', '-'),
      uid: `uid-${table}`,
      kind,
      table,
      destination: index % kinds.length === 2 || index % kinds.length === 3 ? 'lake' : 'warehouse',
    };
  });
}

/** Creates the sources and, for events, destinations without a key, where a row that is written twice exists twice. */
export async function makeTables(
  { source, warehouse, lake }: Databases,
  flows: readonly Flow[],
): Promise<void> {
  const statements = flows.map(({ kind, table }) => {
    if (kind === 'events')
      return `CREATE TABLE ${table} (id bigint PRIMARY KEY, body text NOT NULL); CREATE SEQUENCE ${table}_ids;`;
    if (kind === 'rest')
      return `CREATE TABLE ${table} AS SELECT i::bigint AS id, md5(i::text) AS body FROM generate_series(1, ${restRows}) i; ALTER TABLE ${table} ADD PRIMARY KEY (id);`;
    return `CREATE TABLE ${table} (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, note text, updated_at timestamptz(6) NOT NULL);
      CREATE INDEX ON ${table} (updated_at, id); CREATE SEQUENCE ${table}_ids;`;
  });
  await onDatabase(source.url, (client) => client.query(statements.join('\n')));
  for (const { table, destination, kind } of flows) {
    if (kind !== 'events') continue;
    const statement = `CREATE TABLE ${table} (id bigint NOT NULL, body ${destination === 'lake' ? 'longtext' : 'text'} NOT NULL)`;
    if (destination === 'lake') await onMysql(lake, (connection) => connection.query(statement));
    else await onDatabase(warehouse.url, (client) => client.query(statement));
  }
}

/** Writes what users would apply to where the agents read it. */
export async function applyFlows(
  etcd: Coordination,
  flows: readonly Flow[],
  databases: Databases,
): Promise<void> {
  const dates = { generation: 1, createdAt: new Date().toISOString() };
  const systems = [
    ['source', 'postgres', databases.source],
    ['warehouse', 'postgres', databases.warehouse],
    ['lake', 'mysql', databases.lake],
  ] as const;
  for (const [name, system, { host, port, database, user }] of systems) {
    const access = { host, port, database, user, passwordSecretRef: { name, key: 'password' } };
    const spec = { [system]: access };
    await etcd.desired.putDataSource({ uid: `uid-${name}`, namespace: 'default', name, ...dates, spec });
  }
  for (const flow of flows) {
    const { uid, name } = flow;
    const spec = specOf(flow, databases.lake.database);
    await etcd.desired.putSync({ uid, namespace: 'default', name, ...dates, spec });
  }
}

function specOf({ kind, table, destination }: Flow, lake: string): object {
  const source = { dataSource: 'source', table: `public.${table}` };
  const ends = {
    destination: { dataSource: destination, table: `${destination === 'lake' ? lake : 'public'}.${table}` },
    batch: { maxRows: 200 },
  };
  switch (kind) {
    case 'events':
      return {
        ...ends,
        source: { ...source, idField: 'id' },
        mode: 'Id',
        writeMode: 'Append',
        schedule: { continuous: true },
      };
    case 'orders':
      return {
        ...ends,
        source: { ...source, timestampField: 'updated_at' },
        mode: 'Timestamp',
        schedule: { every: '1s' },
      };
    case 'rest':
      return { ...ends, source, mode: 'Snapshot', schedule: { every: '2s' } };
  }
}

/** Produces late rows continuously: ids and `now()` are taken first and committed a little later; every fifth transaction rolls back. */
export function flowWriters(url: string, all: readonly Flow[]): Writers {
  const flows = all.filter(({ kind }) => kind !== 'rest');
  return new Writers(url, async (client, writer, turn) => {
    const flow = flows[(turn * 7 + writer * 5) % flows.length];
    if (flow) await writeOnce(client, flow, writer, turn);
  });
}

async function writeOnce(
  client: pg.Client,
  { kind, table }: Flow,
  writer: number,
  turn: number,
): Promise<void> {
  await client.query('BEGIN');
  await client.query('SELECT now()');
  const { rows } = await client.query(
    `SELECT nextval('${table}_ids') AS id FROM generate_series(1, ${5 + (turn % 20)})`,
  );
  const ids = rows.map((row) => row.id as string);
  await idle((writer * 13 + turn * 7) % 50);
  if (kind === 'events')
    await client.query(`INSERT INTO ${table} SELECT id, md5(id::text) FROM unnest($1::bigint[]) id`, [ids]);
  else {
    await client.query(
      `INSERT INTO ${table} SELECT id, id * 1.5, 'new', now() FROM unnest($1::bigint[]) id`,
      [ids],
    );
    await client.query(
      `UPDATE ${table} SET amount = amount + 1, note = $2, updated_at = now() WHERE id IN
        (SELECT id FROM ${table} WHERE updated_at < now() ORDER BY id LIMIT 3 OFFSET $1 FOR UPDATE SKIP LOCKED)`,
      [(turn * 3 + writer) % 50, `changed by ${writer} in turn ${turn}`],
    );
  }
  await client.query(turn % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
}

/** Rows of a flow at its source and at its destination, each as a text with all columns. */
export async function readBoth(
  flow: Flow,
  databases: Databases,
): Promise<{ readonly wanted: readonly string[]; readonly found: readonly string[] }> {
  const list = columns[flow.kind];
  const fromPostgres = async (url: string) => {
    const time = `to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
    const sql = `SELECT ${list.replace('updated_at', time)} FROM ${flow.table} ORDER BY id`;
    return await onDatabase(url, async (client) =>
      lines((await client.query({ text: sql, rowMode: 'array' })).rows),
    );
  };
  const fromMysql = async () => {
    const time = `DATE_FORMAT(updated_at, '%Y-%m-%d %H:%i:%s.%f')`;
    const sql = `SELECT ${list.replace('updated_at', time)} FROM ${flow.table} ORDER BY id`;
    return await onMysql(databases.lake, async (connection) => {
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      return lines(rows as unknown[][]);
    });
  };
  const [wanted, found] = await Promise.all([
    fromPostgres(databases.source.url),
    flow.destination === 'lake' ? fromMysql() : fromPostgres(databases.warehouse.url),
  ]);
  return { wanted, found };
}

function lines(rows: readonly unknown[][]): readonly string[] {
  return rows.map((row) => row.map(String).join('|'));
}
