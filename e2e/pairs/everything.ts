import { BSON, Long } from 'mongodb';
import type { AnyDatabase, DataSystem, SqlSystem, TestDatabase } from '../kit/systems.ts';
import { fittingValues, misfitValues, type TypeCase } from './type-case.ts';
import { mongodbTypes } from './types/mongodb.ts';
import { mysqlTypes } from './types/mysql.ts';
import { postgresTypes, preparations } from './types/postgres.ts';
import { sqliteTypes } from './types/sqlite.ts';
import { sqlserverTypes } from './types/sqlserver.ts';

export function typesOf(system: DataSystem): readonly TypeCase[] {
  switch (system) {
    case 'postgres':
      return postgresTypes;
    case 'sqlite':
      return sqliteTypes;
    case 'sqlserver':
      return sqlserverTypes;
    case 'mongodb':
      return mongodbTypes;
    default:
      return mysqlTypes(system);
  }
}

/** The column or field of the key. */
export function keyOf(system: DataSystem): 'id' | '_id' {
  return system === 'mongodb' ? '_id' : 'id';
}

/** The types that the plan of this pair accepts. */
export function keptTypes(source: DataSystem, destination: DataSystem): readonly TypeCase[] {
  return typesOf(source).filter((each) => !each.refusedBy?.includes(destination));
}

/** The same, without those that the server of the source does not have. */
export async function typesAt(source: AnyDatabase, destination: DataSystem): Promise<readonly TypeCase[]> {
  const types = keptTypes(source.system, destination);
  if (source.system !== 'sqlserver' || (await keepsSevenDigits(source))) return types;
  return types.filter(({ hasSevenDigits }) => !hasSevenDigits);
}

async function keepsSevenDigits(source: TestDatabase<SqlSystem>): Promise<boolean> {
  const time = "CONVERT(datetime2, '2026-01-01 00:00:00.1234567')";
  const [row] = await source.rows(`SELECT CONVERT(varchar(27), ${time}, 121)`);
  return row?.[0]?.endsWith('.1234567') === true;
}

/** Prerequisites of types that are not built in. */
export async function prepareTypes(source: AnyDatabase): Promise<void> {
  if (source.system === 'postgres') await source.execute(...preparations);
}

/** When the row was changed, for modes that read by time; of a type that also MongoDB keeps as a time. */
export const changedAt = 'changed_at';
const changedAtTypes: Readonly<Record<SqlSystem, string>> = {
  postgres: 'timestamptz(3) NOT NULL',
  mysql: 'timestamp(3) NOT NULL',
  mariadb: 'timestamp(3) NOT NULL',
  sqlite: 'TIMESTAMPTZ(3) NOT NULL',
  sqlserver: 'datetimeoffset(3) NOT NULL',
};
const oneSecondMs = 1_000;

/**
 * A table with a column of every type, whose rows contain every value that fits the destination, and one row of NULLs. It has the first
 * half of its rows until `addRest` is called.
 */
export async function createEverything(
  source: AnyDatabase,
  table: string,
  destination: DataSystem,
): Promise<{ addRest(): Promise<void> }> {
  const types = await typesAt(source, destination);
  const isInMemory = source.system === 'mongodb' && !source.hasTransactions;
  const values = types.map(
    (type) => (isInMemory ? type.inMemory : undefined) ?? fittingValues(type, destination),
  );
  const count = Math.max(...values.map((each) => each.length));
  const filled = Array.from({ length: count }, (_, row) => ({
    id: row + 1,
    values: new Map(types.map(({ name }, at) => [name, pick(values[at] ?? [], row)])),
  }));
  const rows = [...filled, { id: count + 1, values: new Map<string, string>() }].map(({ id, values }) => ({
    id,
    values: new Map([...values, [changedAt, timeLiteral(source.system, id)]]),
  }));
  const half = Math.ceil(rows.length / 2);
  const column = source.system === 'mongodb' ? [] : [{ name: changedAt, ddl: changedAtTypes[source.system] }];
  await createTable(source, table, [...types, ...column], rows.slice(0, half));
  return { addRest: () => addRows(source, table, rows.slice(half)) };
}

/** In the past, each later than the one before. */
function timeLiteral(system: DataSystem, id: number): string {
  const at = new Date(Date.UTC(2026, 0, 1) + id * oneSecondMs + 123);
  const text = at.toISOString().replace('T', ' ');
  if (system === 'mongodb') return JSON.stringify({ $date: { $numberLong: String(at.getTime()) } });
  if (system === 'sqlite') return `'${text}'`;
  return `'${text.slice(0, -1)}${system === 'sqlserver' || system === 'postgres' ? ' +00:00' : ''}'`;
}

export interface Misfit {
  readonly id: number;
  readonly column: string;
  readonly value: string;
}

/** A table of the types that have misfits at the destination: one row for each of them, and one row without any (id 0). */
export async function createMisfits(
  source: AnyDatabase,
  table: string,
  destination: DataSystem,
): Promise<readonly Misfit[]> {
  const types = (await typesAt(source, destination)).filter(
    (each) => misfitValues(each, destination).length > 0,
  );
  if (types.length === 0) return [];
  const misfits = types
    .flatMap((type) => misfitValues(type, destination).map((value) => ({ column: type.name, value })))
    .map((misfit, index) => ({ id: index + 1, ...misfit }));
  await createTable(source, table, types, [
    { id: 0, values: new Map() },
    ...misfits.map(({ id, column, value }) => ({ id, values: new Map([[column, value]]) })),
  ]);
  return misfits;
}

/** A row's values as those of a TypeCase, by the column's name. */
interface NewRow {
  readonly id: number;
  readonly values: ReadonlyMap<string, string>;
}

async function createTable(
  source: AnyDatabase,
  table: string,
  columns: readonly Pick<TypeCase, 'name' | 'ddl'>[],
  rows: readonly NewRow[],
): Promise<void> {
  if (source.system !== 'mongodb') {
    const quoted = columns.map(({ name, ddl }) => `${source.quote(name)} ${ddl}`);
    await source.execute(
      `CREATE TABLE ${source.quote(table)} (id bigint NOT NULL PRIMARY KEY, ${quoted.join(', ')})`,
    );
  }
  await addRows(source, table, rows);
}

async function addRows(source: AnyDatabase, table: string, rows: readonly NewRow[]): Promise<void> {
  if (source.system === 'mongodb') {
    await source.collection(table).insertMany(rows.map(documentOf));
    return;
  }
  const database: TestDatabase<SqlSystem> = source;
  await database.execute(...rows.map((row) => insert(database, table, row)));
}

function documentOf({ id, values }: NewRow) {
  const fields = [...values].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return { _id: Long.fromNumber(id), ...BSON.EJSON.parse(`{${fields.join(',')}}`, { relaxed: false }) };
}

function insert(source: TestDatabase<SqlSystem>, table: string, { id, values }: NewRow): string {
  const names = ['id', ...values.keys()].map((name) => source.quote(name));
  return `INSERT INTO ${source.quote(table)} (${names.join(', ')}) VALUES (${[id, ...values.values()].join(', ')})`;
}

function pick(values: readonly string[], row: number): string {
  return values[row % values.length] ?? 'NULL';
}
