import type { FieldPacket } from 'mysql2';
import { type Finding, permanent } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Column, ColumnType, Relation, UniqueKey } from '../../core/values.ts';
import { joinName, quoteBacktick } from '../sql/names.ts';
import type { FirstTables } from '../sql/source/missing-table.ts';
import { type IndexEntry, readIndexes } from './catalog.ts';
import type { Cell, SqlRow } from './connection/statements.ts';
import { quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { bareQuery } from './source/one-statement.ts';
import { equalityOf, isExact } from './types/collations.ts';
import { hasLabels, nativeOfField, toColumnType } from './types/column-types.ts';
import { literalText } from './types/literals.ts';
import { isBinaryOther, labelsOf, partsOf, readTypeName } from './types/type-name.ts';

/**
 * `versioned`: MariaDB's WITH SYSTEM VERSIONING; a SELECT returns the current rows, and keys are unique among those. `other`: a sequence.
 */
export type TableKind = 'plain' | 'versioned' | 'view' | 'other';

const kinds: Readonly<Record<string, TableKind>> = {
  'BASE TABLE': 'plain',
  'SYSTEM VERSIONED': 'versioned',
  VIEW: 'view',
  'SYSTEM VIEW': 'view',
};

export function hasOwnRows(kind: TableKind): boolean {
  return kind === 'plain' || kind === 'versioned';
}

/** A table as read from the catalog, with details that only this connector needs. */
export interface TableEntry {
  readonly relation: Relation;
  readonly name: TableName;
  readonly kind: TableKind;
  /** Null for a view. */
  readonly engine: string | null;
  /** Columns of every unique index, usable as a key or not: ON DUPLICATE KEY fires on each of them. */
  readonly uniqueIndexes: readonly (readonly string[])[];
}

export const transactionalEngines: ReadonlySet<string> = new Set([
  'InnoDB',
  'RocksDB',
  'ROCKSDB',
  'ndbcluster',
]);

/** Returns undefined if the table does not exist; throws SchemaNotFound. */
export async function describeTable(
  session: Session,
  name: TableName,
  path: string,
  signal?: AbortSignal,
): Promise<TableEntry | undefined> {
  const where = `TABLE_SCHEMA = ${literalText(name.schema)} AND TABLE_NAME = ${literalText(name.table)}`;
  const [found] = await session.query(
    `SELECT TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH, TABLE_SCHEMA, TABLE_NAME
     FROM information_schema.TABLES WHERE ${where}`,
    signal,
  );
  if (!found) {
    await requireSchema(session, name.schema, path, signal);
    return undefined;
  }
  const [type, engine, rows, bytes, schema, table] = found.map(text);
  const actual: TableName = { schema: schema ?? name.schema, table: table ?? name.table };
  const columns = await readColumns(
    session,
    where,
    { name: joinName([actual.schema, actual.table]), path },
    signal,
  );
  const kind = kinds[type ?? ''] ?? 'other';
  const isTable = hasOwnRows(kind);
  const indexes = await readIndexes(session, where, kind === 'versioned', signal);
  return {
    relation: {
      name: joinName([actual.schema, actual.table]),
      columns,
      keys: usableKeys(columns, indexes),
      ...(!isTable && { isOpaque: true as const }),
      ...(isTable && rows !== null && { estimatedRows: Number(rows) }),
      ...(isTable && bytes !== null && { estimatedBytes: Number(bytes) }),
    },
    name: actual,
    kind,
    engine: engine ?? null,
    uniqueIndexes: indexes.map((index) => index.columns.map((column) => column ?? '')),
  };
}

/** Reasons why a table cannot be a destination. */
export function destinationFindings(entry: TableEntry): Finding[] {
  const { relation, engine, kind } = entry;
  if (kind !== 'plain') {
    const what = { versioned: 'a system-versioned table', view: 'a view', other: 'not a table' }[kind];
    return [
      {
        severity: 'error',
        code: 'NotATable',
        path: 'spec.destination.table',
        message: `${relation.name} is ${what}, but rows are written only to plain tables`,
        fix: 'name a plain table',
      },
    ];
  }
  if (engine !== null && transactionalEngines.has(engine)) return [];
  return [
    {
      severity: 'error',
      code: 'NotTransactional',
      path: 'spec.destination.table',
      message: `${relation.name} is a table of ${engine ?? 'no engine'}, which has no transactions: rows and offset could not be committed together`,
      fix: `ALTER TABLE ${quoteName(entry.name)} ENGINE = InnoDB`,
    },
  ];
}

async function requireSchema(
  session: Session,
  schema: string,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const sql = `SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${literalText(schema)}`;
  if ((await session.query(sql, signal)).length > 0) return;
  throw permanent('SchemaNotFound', `there is no database ${schema}, or this user may not see it`, {
    path,
    fix: `CREATE DATABASE ${quoteBacktick(schema)} CHARACTER SET utf8mb4`,
  });
}

/** The object that has the columns, for messages. */
interface Described {
  readonly name: string;
  readonly path: string;
}

async function readColumns(
  session: Session,
  where: string,
  of: Described,
  signal?: AbortSignal,
): Promise<readonly Column[]> {
  const rows = await session.query(
    `SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME, COLUMN_COMMENT, GENERATION_EXPRESSION
     FROM information_schema.COLUMNS WHERE ${where} ORDER BY ORDINAL_POSITION`,
    signal,
  );
  const jsonColumns = session.facts.isMariaDb
    ? await readJsonColumns(session, where, signal)
    : new Set<string>();
  return rows.map((row) => toColumn(row, jsonColumns, of));
}

function toColumn(row: SqlRow, jsonColumns: ReadonlySet<string>, of: Described): Column {
  const [name = '', columnType = '', nullable, standard, extra = '', collation, comment, expression] =
    row.map(text);
  const nativeType = readTypeName(columnType ?? '', name ?? '', of.name, of.path);
  const isGenerated = (expression ?? '') !== '';
  const context = {
    collation: collation ?? null,
    isJson: jsonColumns.has(name ?? ''),
    ...(comment !== null && comment !== undefined && { comment }),
  };
  const type = toColumnType(nativeType, context);
  return {
    name: name ?? '',
    type,
    nativeType,
    isNullable: nullable === 'YES',
    ...(isGenerated && { isGenerated }),
    ...(/auto_increment/i.test(extra ?? '') && { isIdentity: true }),
    ...(!isGenerated && hasDefault(standard, extra ?? '') && { hasDefault: true }),
    ...comparedBy(type, collation),
  };
}

/** MariaDB reports the default NULL as the text `NULL`, MySQL as SQL NULL. */
function hasDefault(standard: string | null | undefined, extra: string): boolean {
  return (
    (standard !== null && standard !== undefined && standard !== 'NULL') || /DEFAULT_GENERATED/i.test(extra)
  );
}

async function readJsonColumns(
  session: Session,
  where: string,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const schema = where.replace('TABLE_SCHEMA', 'CONSTRAINT_SCHEMA');
  const rows = await session.query(
    `SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE ${schema}`,
    signal,
  );
  const names = rows.map(([clause]) => /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(String(clause))?.[1]);
  return new Set(names.filter((name) => name !== undefined).map((name) => name.replaceAll('``', '`')));
}

/** The primary key first, then unique indexes over whole columns that are NOT NULL. */
function usableKeys(columns: readonly Column[], indexes: readonly IndexEntry[]): UniqueKey[] {
  const notNull = new Set(
    columns.filter((each) => !each.isNullable && canPage(each)).map((each) => each.name),
  );
  const usable = indexes.filter((index) => index.columns.every((name) => name !== null && notNull.has(name)));
  return usable
    .map((index) => ({
      name: index.name,
      columns: index.columns.map((name) => name ?? ''),
      isPrimary: index.name === 'PRIMARY',
    }))
    .sort(
      (one, other) =>
        Number(other.isPrimary) - Number(one.isPrimary) || one.columns.length - other.columns.length,
    );
}

/** MySQL compares a SET with a number as doubles, MariaDB as signed integers, so larger sets cannot be compared exactly. */
const maxPagedMembers = 53;

/** The order of a geometry cannot be expressed as text, nor the order of a SET with very many members as a number. */
export function canPage({ type, nativeType }: Column): boolean {
  if (type.kind !== 'other') return type.kind !== 'json';
  if (type.name.startsWith('set(')) return labelsOf(partsOf(nativeType).inner).length <= maxPagedMembers;
  return !isBinaryOther(type.name);
}

/** The result columns of a query, with the types that the protocol reports; no row is read. Throws QueryInvalid. */
export async function describeQuery(session: Session, from: string, signal?: AbortSignal): Promise<Relation> {
  const results = await session.guard(() => session.run(`SELECT * FROM ${from} LIMIT 0`), signal);
  const fields = results.at(-1)?.fields ?? [];
  const collations = await collationsOf(session, from, fields, signal);
  const columns = fields.map((field): Column => {
    const nativeType = readTypeName(nativeOfField(field), field.name, 'the query', 'spec.source.query');
    const collation = collations.get(field.name) ?? null;
    const type = toColumnType(nativeType, { collation, isJson: field.extendedFormat === 'json' });
    return { name: field.name, type, nativeType, isNullable: true, ...comparedBy(type, collation) };
  });
  return { name: 'query', columns, keys: [], isOpaque: true };
}

/**
 * The collations by which the result's texts are compared and sorted. The protocol reports only the result's character set. No row is
 * read.
 */
async function collationsOf(
  session: Session,
  from: string,
  fields: readonly FieldPacket[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const texts = fields.filter(
    (field) => toColumnType(nativeOfField(field), { collation: null }).kind === 'text',
  );
  if (texts.length === 0) return new Map();
  const items = texts.map(({ name }) => `COLLATION(none.${quoteBacktick(name)})`).join(', ');
  const [row = []] = await session.query(
    `SELECT ${items} FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM ${from} LIMIT 0) AS none ON TRUE`,
    signal,
  );
  return new Map(texts.map(({ name }, index) => [name, String(row[index])]));
}

function comparedBy(
  type: ColumnType,
  collation: string | null | undefined,
): Pick<Column, 'collation' | 'equality'> {
  const equality = equalityOf(type, collation);
  return {
    ...(collation && !isExact(collation) && { collation }),
    ...(equality !== undefined && { equality }),
  };
}

/** The query is on its own lines, so that a comment at its end does not extend further. */
export function fromQuery(query: string): string {
  return `(\n${bareQuery(query)}\n) AS ${quoteBacktick('q')}`;
}

/**
 * The ENUM and SET columns of a query sort by number but compare with a text by text, and the protocol does not report their labels. Cast
 * to text, they do both by text.
 */
export function labelsAsText(from: string, fields: readonly FieldPacket[]): string {
  if (!fields.some(hasLabels)) return from;
  const items = fields.map((field) => {
    const name = quoteBacktick(field.name);
    return hasLabels(field) ? `CONCAT(${name}) AS ${name}` : name;
  });
  return `(SELECT ${items.join(', ')} FROM ${from}) AS ${quoteBacktick('t')}`;
}

/**
 * Names of the tables that a user may want to sync, from the database of the DataSource. A Sync may also name tables of other databases.
 * `first` limits the list if there are very many: tables of this name, and some others.
 */
export async function listTables(
  session: Session,
  database: string,
  signal?: AbortSignal,
  first?: FirstTables,
): Promise<readonly TableName[]> {
  const some = first ? `LOWER(TABLE_NAME) = LOWER(${literalText(first.called)}) DESC, ` : '';
  const rows = await session.query(
    `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
     WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') AND TABLE_SCHEMA = ${literalText(database)}
     ORDER BY ${some}TABLE_NAME${first ? ` LIMIT ${first.most}` : ''}`,
    signal,
  );
  return rows
    .map(([schema, table]) => ({ schema: String(schema), table: String(table) }))
    .filter(({ table }) => !isOwnTable(table));
}

export function text(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell);
}
