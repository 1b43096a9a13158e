import type { AnyDatabase, SqlSystem, TestDatabase } from '../kit/systems.ts';
import { canonical } from './canonical.ts';
import { readDocuments } from './read-documents.ts';
import type { ReadColumn } from './type-case.ts';

export type CanonicalRow = ReadonlyMap<string, string | null>;

/** Rows by their key, each value as canonical text of its kind at the source. */
export async function readTable(
  database: AnyDatabase,
  table: string,
  key: string,
  columns: readonly ReadColumn[],
): Promise<ReadonlyMap<string, CanonicalRow>> {
  const rows = await readRows(database, table, [{ name: key, kind: 'other' }, ...columns]);
  return new Map(
    rows.map((row) => {
      const { [key]: id, ...rest } = Object.fromEntries(row);
      return [String(id), new Map(Object.entries(rest))];
    }),
  );
}

/** All rows, in the order of the first column. */
export async function readRows(
  database: AnyDatabase,
  table: string,
  columns: readonly ReadColumn[],
): Promise<readonly CanonicalRow[]> {
  const rows =
    database.system === 'mongodb'
      ? await readDocuments(database, table, columns)
      : await readTexts(database, table, columns);
  return rows.map((values) => canonicalRow(columns, values));
}

async function readTexts(
  database: TestDatabase<SqlSystem>,
  table: string,
  columns: readonly ReadColumn[],
): ReturnType<TestDatabase['rows']> {
  const types = await nativeTypes(database, table);
  const missing = columns.filter(({ name }) => !types.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new Error(`${table} has no column ${missing.join(', ')}`);
  const names = columns.map(({ name }) => database.quote(name));
  const items = columns.map(({ name }, index) =>
    textExpression(database.system, names[index] ?? '', types.get(name) ?? ''),
  );
  return await database.rows(
    `SELECT ${items.join(', ')} FROM ${database.quote(table)} AS t ORDER BY t.${names[0]}`,
  );
}

function canonicalRow(columns: readonly ReadColumn[], values: readonly (string | null)[]): CanonicalRow {
  return new Map(
    columns.map(({ name, kind }, index) => {
      const text = values[index] ?? null;
      return [name, text === null ? null : canonical(kind, text)];
    }),
  );
}

/** Declared types of a table's columns, in lower case. */
export async function nativeTypes(
  database: TestDatabase<SqlSystem>,
  table: string,
): Promise<ReadonlyMap<string, string>> {
  const isMysql = database.system === 'mysql' || database.system === 'mariadb';
  const literal = `'${(isMysql ? table.replaceAll('\\', '\\\\') : table).replaceAll("'", "''")}'`;
  const sql = {
    postgres: `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
      WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = ${literal} AND relkind IN ('r', 'p')) AND attnum > 0 AND NOT attisdropped`,
    mysql: `SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = database() AND table_name = ${literal}`,
    mariadb: `SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = database() AND table_name = ${literal}`,
    sqlserver: `SELECT c.name, TYPE_NAME(c.system_type_id) FROM sys.columns AS c WHERE c.object_id = OBJECT_ID(N'dbo.' + QUOTENAME(${literal}))`,
    sqlite: `SELECT name, type FROM pragma_table_xinfo(${literal})`,
  }[database.system];
  const rows = await database.rows(sql);
  return new Map(rows.map(([name, type]) => [String(name), String(type).toLowerCase()]));
}

/** An expression for the value's text that does not depend on a type of the driver. */
export function textExpression(system: SqlSystem, column: string, type: string): string {
  if (system === 'postgres') return type === 'bytea' ? `encode(${column}, 'hex')` : column;
  if (system === 'sqlite') {
    return `CASE WHEN typeof(${column}) = 'blob' THEN lower(hex(${column})) ELSE ${column} END`;
  }
  if (system === 'sqlserver') return sqlServerText(column, type);
  const [bits] = /^bit\((\d+)\)/.exec(type)?.slice(1) ?? [];
  if (bits) return `lpad(bin(${column} + 0), ${bits}, '0')`;
  if (/^float/.test(type)) return `cast(cast(${column} AS double) AS char)`;
  if (/binary|blob|geometry|point|vector/.test(type)) return `lower(hex(${column}))`;
  return `cast(${column} AS char CHARACTER SET utf8mb4)`;
}

/** The driver would make doubles of decimals, and times with milliseconds. */
function sqlServerText(column: string, type: string): string {
  if (/^(decimal|numeric)$/.test(type)) return `CONVERT(varchar(60), ${column})`;
  if (/money$/.test(type)) return `CONVERT(varchar(60), CONVERT(decimal(19, 4), ${column}))`;
  if (type === 'date') return `CONVERT(varchar(10), ${column}, 23)`;
  if (type === 'smalldatetime') return `CONVERT(varchar(19), ${column}, 120)`;
  if (type === 'datetimeoffset')
    return `CONVERT(varchar(27), CONVERT(datetime2, SWITCHOFFSET(${column}, '+00:00')), 121)`;
  if (/^(time|datetime2?)$/.test(type)) return `CONVERT(varchar(27), ${column}, 121)`;
  // The server that stands in for SQL Server keeps characters in varchar that the driver has not in its code page.
  return /^(xml|(var)?char|text)$/.test(type) ? `CONVERT(nvarchar(max), ${column})` : column;
}
