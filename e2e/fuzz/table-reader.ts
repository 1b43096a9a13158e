import type { SqlSystem } from '../kit/systems.ts';
import { canonical } from '../pairs/canonical.ts';
import { textExpression } from '../pairs/read-table.ts';
import type { Kind } from '../pairs/type-case.ts';
import type { FuzzDatabase } from './databases.ts';
import type { Session } from './sessions.ts';
import { hasDocuments } from './systems/system.ts';

export interface TableColumn {
  readonly name: string;
  /** As declared, in lower case. */
  readonly type: string;
  readonly isNullable: boolean;
}

/** Texts by column, as shown in the reader's session. */
export type RawRow = ReadonlyMap<string, string | null>;

/** Undefined if the table does not exist. */
export async function columnsOf(
  session: Session,
  { system, database }: FuzzDatabase,
  table: string,
): Promise<readonly TableColumn[] | undefined> {
  const sql =
    system === 'postgres'
      ? `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
           WHERE attrelid = to_regclass('public.${table}') AND attnum > 0 AND NOT attisdropped ORDER BY attnum`
      : system === 'sqlite'
        ? `SELECT name, type, "notnull" FROM pragma_table_xinfo('${table}')`
        : system === 'sqlserver'
          ? sqlserverColumns(table)
          : `SELECT column_name, column_type, is_nullable = 'NO' FROM information_schema.columns
             WHERE table_schema = '${database}' AND table_name = '${table}' ORDER BY ordinal_position`;
  const rows = await session.query(sql);
  if (rows.length === 0) return undefined;
  return rows.map(([name, type, notNull]) => ({
    name: String(name),
    type: String(type).toLowerCase(),
    isNullable: notNull === 'f' || notNull === '0',
  }));
}

/** Lengths of Unicode types are in bytes; they do not matter here. */
function sqlserverColumns(table: string): string {
  return `SELECT c.name, t.name, CASE WHEN c.is_nullable = 1 THEN '1' ELSE '0' END FROM sys.columns AS c
    JOIN sys.types AS t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('dbo.${table}') ORDER BY c.column_id`;
}

/** `from`: a table's name or a SELECT in parentheses. */
export async function readRaw(
  session: Session,
  database: FuzzDatabase,
  from: string,
  columns: readonly TableColumn[],
  quote: (identifier: string) => string,
): Promise<readonly RawRow[]> {
  const { system } = database;
  if (hasDocuments(system)) throw new Error('documents have no columns');
  const items = columns.map(({ name, type }) => textExpression(system, quote(name), type));
  const rows = await session.query(`SELECT ${items.join(', ')} FROM ${from} AS t`);
  return rows.map((row) => new Map(columns.map(({ name }, index) => [name, row[index] ?? null])));
}

/** How values of a declared type compare, for the types that the tester's own columns may have. */
export function kindOfType(system: SqlSystem, type: string): Kind {
  if (system === 'sqlserver' && /^(timestamp|rowversion|image)/.test(type)) return 'bytes';
  if (/^json/.test(type)) return 'json';
  if (system === 'sqlserver' && type === 'bit') return 'boolean';
  if (/^(small|big|tiny|medium)?int|^integer|unsigned/.test(type)) return 'int';
  if (/^(numeric|decimal|(small)?money)/.test(type)) return 'decimal';
  if (/^double/.test(type) || (system === 'sqlite' && /^(real|float)/.test(type))) return 'float64';
  if (system === 'sqlserver' && /^float/.test(type)) return 'float64';
  if (/^float|^real/.test(type)) return 'float32';
  if (/^bool/.test(type)) return 'boolean';
  if (/^bytea|binary|blob/.test(type)) return 'bytes';
  if (/^(timestamp|datetime|smalldatetime)/.test(type)) return 'timestamp';
  if (/^date$/.test(type)) return 'date';
  if (/^char\(|^character\(/.test(type) || (system === 'sqlserver' && /^n?char$/.test(type))) return 'char';
  return 'text';
}

export function canonicalText(kind: Kind, text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  return canonical(kind, kind === 'timestamp' ? inUtc(text) : text);
}

/** SQLite keeps a time's zone; the others show the time in UTC. */
function inUtc(text: string): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?([+-])(\d\d):?(\d\d)$/.exec(text);
  if (!match) return text;
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHours, zoneMinutes] = match;
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1);
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute) - offset,
    Number(second),
  );
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ') + fraction;
}
