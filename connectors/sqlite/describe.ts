import type { Database } from 'better-sqlite3';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Column, Relation, UniqueKey } from '../../core/values.ts';
import { quoteDouble } from '../sql/names.ts';
import type { FirstTables } from '../sql/source/missing-table.ts';
import { affinityOf, typeOfDeclared } from './types/column-types.ts';
import { isRowidType } from './types/type-name.ts';

export interface TableEntry {
  /** As the schema writes it; SQLite ignores the case of ASCII letters. */
  readonly name: string;
  readonly kind: 'table' | 'view' | 'virtual' | 'shadow';
  readonly hasRowid: boolean;
  readonly isStrict: boolean;
}

/** Maximum number of rows counted for an estimate. */
export const countLimit = 1_000_000;

export function findTable(database: Database, name: string): TableEntry | undefined {
  return listTables(database).find((entry) => entry.name.toLowerCase() === name.toLowerCase());
}

/** `first` limits the list if there are very many: tables of this name, and some others. */
export function listTables(database: Database, first?: FirstTables): readonly TableEntry[] {
  const rows = database
    .prepare(
      `SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name = ? COLLATE NOCASE DESC, name LIMIT ?`,
    )
    .all(first?.called ?? '', first?.most ?? -1) as {
    readonly name: string;
    readonly type: TableEntry['kind'];
    readonly wr: bigint;
    readonly strict: bigint;
  }[];
  return rows.map((row) => ({
    name: row.name,
    kind: row.type,
    hasRowid: row.type === 'table' && row.wr === 0n,
    isStrict: row.strict === 1n,
  }));
}

/** Whether it is a table or view that a user may want to sync. */
export function isOfUser(entry: TableEntry): boolean {
  return entry.kind !== 'shadow' && !/^sqlite_/i.test(entry.name) && !isOwnTable(entry.name);
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: bigint;
  readonly dflt_value: string | null;
  readonly pk: bigint;
  readonly hidden: bigint;
}

/** Includes its size. */
export function describeTable(database: Database, entry: TableEntry): Relation {
  const estimatedRows = estimateRows(database, entry);
  return {
    ...describeShape(database, entry),
    ...(estimatedRows === undefined ? {} : { estimatedRows }),
  };
}

/** The shape that a plan depends on; cheap enough to be read often. */
export function describeShape(database: Database, entry: TableEntry): Relation {
  const rows = database
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(entry.name) as ColumnRow[];
  const visible = rows.filter((row) => row.hidden !== 1n);
  const primary = visible.filter((row) => row.pk > 0n).sort((one, other) => Number(one.pk - other.pk));
  const rowidAlias =
    entry.hasRowid && primary.length === 1 && primary[0] && isRowidType(primary[0].type)
      ? primary[0].name
      : undefined;
  const indexes = listIndexes(database, entry.name);
  const from = quoteDouble(entry.name);
  const untyped = entry.kind === 'view' ? untypedColumns(database, from) : new Set();
  const columns = visible.map((row): Column => {
    const type = untyped.has(row.name) ? '' : row.type;
    const isImplied =
      row.pk > 0n && (row.name === rowidAlias || !entry.hasRowid || !hasNull(database, entry.name, row.name));
    return {
      name: row.name,
      type: typeOfDeclared(type),
      // ANY keeps every value unchanged in a STRICT table, like a column without type in other tables; elsewhere it has affinity NUMERIC.
      nativeType: entry.isStrict && type.toUpperCase() === 'ANY' ? '' : type,
      isNullable: row.notnull === 0n && !isImplied,
      ...(row.hidden > 1n ? { isGenerated: true } : {}),
      ...(row.name === rowidAlias ? { isIdentity: true } : {}),
      ...(row.dflt_value !== null ? { hasDefault: true } : {}),
      ...textOrder(type),
      ...collationOf(database, from, row.name, indexes),
    };
  });
  return {
    name: entry.name,
    columns,
    keys: usableKeys(
      columns,
      primary.map((row) => row.name),
      indexes,
    ),
    ...(entry.kind === 'table' ? {} : { isOpaque: true as const }),
  };
}

/** Decimals stored as text, so that they lose no digits, sort as text: 17.75 before 2.25. */
function textOrder(declared: string): Pick<Column, 'collation'> {
  const isText = typeOfDeclared(declared).kind === 'decimal' && affinityOf(declared) === 'TEXT';
  return isText ? { collation: 'TEXT' } : {};
}

/** For a view SQLite reports the affinity, BLOB, if the underlying column has no type. */
function untypedColumns(database: Database, from: string): ReadonlySet<string> {
  const columns = database.prepare(`SELECT * FROM ${from}`).columns();
  return new Set(
    columns
      .filter(({ type }) => type === null || type === '')
      .flatMap(({ name, table }) => (table ? [name] : [])),
  );
}

/**
 * The collation of text in a column, determined by the collation that a sort by the column would use, since no PRAGMA reports it. NOCASE
 * and RTRIM treat different texts as equal, and so may a collation defined by an application.
 */
function collationOf(
  database: Database,
  from: string,
  column: string,
  indexes: readonly IndexEntry[],
): Pick<Column, 'collation' | 'equality'> {
  const steps = database.prepare(`EXPLAIN SELECT 1 FROM ${from} ORDER BY +${quoteDouble(column)}`).all() as {
    readonly opcode: string;
    readonly p4: string | null;
  }[];
  const sorter = steps.find((step) => step.opcode === 'SorterOpen' || step.opcode === 'OpenEphemeral');
  const [, collation = ''] = /^k\(1,-?([^,)]*)\)$/.exec(sorter?.p4 ?? '') ?? [];
  const own = collation.toUpperCase();
  if (own !== 'B' && own !== '') return { collation: own, equality: `sqlite:${own}` };
  // A unique index may treat more values as equal than the column does.
  const coarser = indexes
    .filter((index) => index.isUnique)
    .flatMap((index) => index.columns)
    .find((each) => each.name === column && each.collation !== 'BINARY');
  return coarser ? { equality: `sqlite:${coarser.collation}` } : {};
}

/** For backward compatibility SQLite allows NULL in a primary key; a primary key without NULL is still usable as a key. */
function hasNull(database: Database, table: string, column: string): boolean {
  const name = quoteDouble(column);
  return (
    database.prepare(`SELECT 1 FROM ${quoteDouble(table)} WHERE ${name} IS NULL LIMIT 1`).get() !== undefined
  );
}

/** Whether the declaration allows NULL, regardless of the present rows. */
export function maybeNull(database: Database, table: string, column: string): boolean {
  const row = database
    .prepare('SELECT "notnull", pk, type FROM pragma_table_xinfo(?) WHERE name = ?')
    .get(table, column) as Pick<ColumnRow, 'notnull' | 'pk' | 'type'> | undefined;
  const entry = findTable(database, table);
  if (!row || row.notnull === 1n || !entry?.hasRowid) return false;
  return !(row.pk === 1n && isRowidType(row.type));
}

interface IndexEntry {
  readonly name: string;
  readonly isUnique: boolean;
  readonly isPartial: boolean;
  /** Name null for an expression or the rowid. */
  readonly columns: readonly { readonly name: string; readonly collation: string }[];
  readonly hasExpression: boolean;
}

export function listIndexes(database: Database, table: string): readonly IndexEntry[] {
  const list = database.prepare('SELECT name, "unique", partial FROM pragma_index_list(?)').all(table) as {
    readonly name: string;
    readonly unique: bigint;
    readonly partial: bigint;
  }[];
  const info = database.prepare('SELECT name, coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno');
  return list.map((index) => {
    const columns = info.all(index.name) as { readonly name: string | null; readonly coll: string }[];
    return {
      name: index.name,
      isUnique: index.unique === 1n,
      isPartial: index.partial === 1n,
      columns: columns.flatMap((column) =>
        column.name === null ? [] : [{ name: column.name, collation: column.coll.toUpperCase() }],
      ),
      hasExpression: columns.some((column) => column.name === null),
    };
  });
}

/**
 * The primary key first, then unique indexes; only of columns that cannot be NULL (a primary key's can, except for INTEGER PRIMARY KEY).
 */
function usableKeys(
  columns: readonly Column[],
  primary: readonly string[],
  indexes: readonly IndexEntry[],
): UniqueKey[] {
  const isNotNull = (name: string) => columns.some((column) => column.name === name && !column.isNullable);
  const keys: UniqueKey[] = [];
  if (primary.length > 0 && primary.every(isNotNull))
    keys.push({ name: 'PRIMARY KEY', columns: primary, isPrimary: true });
  for (const index of indexes) {
    const names = index.columns.map((column) => column.name);
    // An index that distinguishes more texts than the column's own order guarantees nothing about positions in that order.
    const isOfOrder = index.columns.every((column) => {
      const own = columns.find((each) => each.name === column.name)?.collation ?? 'BINARY';
      return column.collation === own || own === 'BINARY';
    });
    if (
      !isOfOrder ||
      !index.isUnique ||
      index.isPartial ||
      index.hasExpression ||
      names.length === 0 ||
      !names.every(isNotNull)
    )
      continue;
    if (!keys.some((key) => key.columns.join() === names.join()))
      keys.push({ name: index.name, columns: names, isPrimary: false });
  }
  return keys;
}

/** The result columns of a query, by their declared types; an expression has none. No row is read. */
export function describeQuery(database: Database, query: string): Relation {
  const from = fromQuery(query);
  // Preparing uses the schema that the connection has cached; a statement that runs checks whether it is still current.
  database.prepare('SELECT 1 FROM sqlite_schema').get();
  const statement = database.prepare(`SELECT * FROM ${from}`);
  const columns = statement.columns().map(
    (column): Column => ({
      name: column.name,
      type: typeOfDeclared(column.type ?? ''),
      nativeType: column.type ?? '',
      isNullable: true,
      ...collationOf(database, from, column.name, []),
    }),
  );
  return { name: 'query', columns, keys: [], isOpaque: true };
}

/** The query is on its own lines, so that a comment at its end does not extend further. */
export function fromQuery(query: string): string {
  return `(\n${query.trim().replace(/;\s*$/, '')}\n) AS ${quoteDouble('q')}`;
}

function estimateRows(database: Database, entry: TableEntry): number | undefined {
  if (entry.kind !== 'table') return undefined;
  const name = quoteDouble(entry.name);
  const counted = countUpTo(database, `SELECT 1 FROM ${name}`);
  if (counted < countLimit || !entry.hasRowid) return counted;
  const spread = database
    .prepare(`SELECT max(_rowid_) - min(_rowid_) + 1 FROM ${name}`)
    .pluck()
    .get() as bigint;
  return Math.max(counted, Number(spread));
}

/** Counts the rows of a statement, up to a million. */
export function countUpTo(database: Database, select: string): number {
  return Number(
    database.prepare(`SELECT count(*) FROM (${select} LIMIT ${countLimit})`).pluck().get() as bigint,
  );
}
