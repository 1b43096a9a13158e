import type { SystemName, TestDatabase } from '../kit/systems.ts';
import { fittingValues, misfitValues, type TypeCase } from './type-case.ts';
import { mysqlTypes } from './types/mysql.ts';
import { postgresTypes, preparations } from './types/postgres.ts';
import { sqliteTypes } from './types/sqlite.ts';

export function typesOf(system: SystemName): readonly TypeCase[] {
  if (system === 'postgres') return postgresTypes;
  return system === 'sqlite' ? sqliteTypes : mysqlTypes(system);
}

/** The types that the plan of this pair accepts. */
export function keptTypes(source: SystemName, destination: SystemName): readonly TypeCase[] {
  return typesOf(source).filter((each) => !each.refusedBy?.includes(destination));
}

/** Prerequisites of types that are not built in. */
export async function prepareTypes(source: TestDatabase): Promise<void> {
  if (source.system === 'postgres') await source.execute(...preparations);
}

/** A table with a column of every type, whose rows contain every value that fits the destination, and one row of NULLs. */
export async function createEverything(
  source: TestDatabase,
  table: string,
  destination: SystemName,
): Promise<void> {
  const types = keptTypes(source.system, destination);
  const values = types.map((type) => fittingValues(type, destination));
  const rows = Math.max(...values.map((each) => each.length));
  await source.execute(
    createTable(source, table, types),
    ...Array.from({ length: rows }, (_, row) =>
      insert(
        source,
        table,
        row + 1,
        new Map(types.map(({ name }, at) => [name, pick(values[at] ?? [], row)])),
      ),
    ),
    insert(source, table, rows + 1, new Map()),
  );
}

export interface Misfit {
  readonly id: number;
  readonly column: string;
  readonly value: string;
}

/** A table of the types that have misfits at the destination: one row for each of them, and one row without any (id 0). */
export async function createMisfits(
  source: TestDatabase,
  table: string,
  destination: SystemName,
): Promise<readonly Misfit[]> {
  const types = keptTypes(source.system, destination).filter(
    (each) => misfitValues(each, destination).length > 0,
  );
  if (types.length === 0) return [];
  const misfits = types
    .flatMap((type) => misfitValues(type, destination).map((value) => ({ column: type.name, value })))
    .map((misfit, index) => ({ id: index + 1, ...misfit }));
  await source.execute(
    createTable(source, table, types),
    insert(source, table, 0, new Map()),
    ...misfits.map(({ id, column, value }) => insert(source, table, id, new Map([[column, value]]))),
  );
  return misfits;
}

function createTable(source: TestDatabase, table: string, types: readonly TypeCase[]): string {
  const columns = types.map(({ name, ddl }) => `${source.quote(name)} ${ddl}`);
  return `CREATE TABLE ${source.quote(table)} (id bigint NOT NULL PRIMARY KEY, ${columns.join(', ')})`;
}

function insert(
  source: TestDatabase,
  table: string,
  id: number,
  values: ReadonlyMap<string, string>,
): string {
  const names = ['id', ...values.keys()].map((name) => source.quote(name));
  return `INSERT INTO ${source.quote(table)} (${names.join(', ')}) VALUES (${[id, ...values.values()].join(', ')})`;
}

function pick(values: readonly string[], row: number): string {
  return values[row % values.length] ?? 'NULL';
}
