import { type Finding, permanent, schemaChanged } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Column, Relation, UniqueKey } from '../../core/values.ts';
import { joinName } from '../sql/names.ts';
import type { FirstTables } from '../sql/source/missing-table.ts';
import {
  type ColumnRow,
  columnsSql,
  isSet,
  type KeyRow,
  keysSql,
  objectId,
  toColumnRow,
  toKeyRow,
} from './catalog.ts';
import type { Field } from './connection/statements.ts';
import type { TableName } from './names.ts';
import { quoteBracket } from './names.ts';
import type { Session } from './session.ts';
import { equalityOf, readRefusal, toColumnType } from './types/column-types.ts';
import { literalText } from './types/literals.ts';
import { nativeOf, typeOfField } from './types/type-name.ts';

export type TableKind = 'table' | 'view' | 'other';

/** A table as read from the catalogue, with details that only this connector needs. */
export interface TableEntry {
  readonly relation: Relation;
  readonly name: TableName;
  readonly kind: TableKind;
  readonly columns: readonly ColumnRow[];
  readonly keys: readonly KeyRow[];
  readonly traits: TableTraits;
}

/** What changes how a table can be written. */
export interface TableTraits {
  /** 2: a system-versioned table; 1: its history. */
  readonly temporalType: number;
  readonly isMemoryOptimized: boolean;
  readonly isExternal: boolean;
  /** Triggers that run instead of a statement. */
  readonly replacesStatements: boolean;
  /** An index leaves out rows whose key exists, and reports no error (IGNORE_DUP_KEY). */
  readonly ignoresDuplicates: boolean;
}

const kinds: Readonly<Record<string, TableKind>> = { U: 'table', V: 'view' };

/** Names come back as the server spells them. Undefined if the object does not exist; throws SchemaNotFound. */
export async function describeTable(
  session: Session,
  name: TableName,
  path: string,
  signal?: AbortSignal,
): Promise<TableEntry | undefined> {
  const results = await session.guard(() => session.run(describeSql(name)), signal);
  const [found] = results[0]?.rows ?? [];
  if (!found) {
    await requireSchema(session, name.schema, path, signal);
    return undefined;
  }
  const [id, type, schema, table, temporal, memory, external, rows, insteadOf, ignoring] = found;
  const actual: TableName = { schema: String(schema), table: String(table) };
  const objectName = joinName([actual.schema, actual.table]);
  const columns = (results[1]?.rows ?? []).map(toColumnRow);
  // Each statement looks the name up again, and every object has columns.
  if (columns.length === 0) throw schemaChanged(objectName, { what: 'it was dropped or replaced meanwhile' });
  const keys = (results[2]?.rows ?? []).map(toKeyRow);
  const kind = kinds[String(type).trim()] ?? 'other';
  const isTable = kind === 'table';
  const described = columns
    .filter((column) => !column.isHidden)
    .map((column) => toColumn(column, objectName, path));
  return {
    relation: {
      name: objectName,
      columns: described,
      keys: isTable ? usableKeys(described, columns, keys) : [],
      ...(isTable && { identity: String(id) }),
      ...(!isTable && { isOpaque: true as const }),
      ...(isTable && rows !== null && rows !== undefined && { estimatedRows: Number(rows) }),
    },
    name: actual,
    kind,
    columns,
    keys,
    traits: {
      temporalType: Number(temporal ?? 0),
      isMemoryOptimized: isSet(memory ?? 0),
      isExternal: isSet(external ?? 0),
      replacesStatements: isSet(insteadOf ?? 0),
      ignoresDuplicates: isSet(ignoring ?? 0),
    },
  };
}

/** Triggers that run instead of statements that write the table: the server reports nothing if they leave out a row. */
export function insteadOfTriggers(id: string): string {
  return `sys.triggers AS g WHERE g.parent_id = ${id} AND g.is_instead_of_trigger = 1 AND g.is_disabled = 0`;
}

/** Indexes that leave out rows whose key exists: the server warns, and counts the statement as a success. */
export function ignoringIndexes(id: string): string {
  return `sys.indexes AS x WHERE x.object_id = ${id} AND x.ignore_dup_key = 1 AND x.is_disabled = 0`;
}

function describeSql(name: TableName): string {
  const id = objectId(name);
  const property = (what: string) => `OBJECTPROPERTY(o.object_id, '${what}')`;
  return [
    `SELECT o.object_id, o.type, SCHEMA_NAME(o.schema_id), o.name, ${property('TableTemporalType')}, ${property('TableIsMemoryOptimized')},
       ${property('TableIsExternal')}, (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = o.object_id AND p.index_id < 2),
       (SELECT COUNT(*) FROM ${insteadOfTriggers('o.object_id')}), (SELECT COUNT(*) FROM ${ignoringIndexes('o.object_id')})
     FROM sys.objects AS o WHERE o.object_id = ${id} AND o.type IN ('U', 'V', 'SN', 'ET')`,
    `${columnsSql(id)} ORDER BY c.column_id`,
    `${keysSql(id)} ORDER BY i.is_primary_key DESC, i.index_id, k.key_ordinal`,
  ].join(';\n');
}

async function requireSchema(
  session: Session,
  schema: string,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const [[id] = []] = await session.query(`SELECT SCHEMA_ID(${literalText(schema)})`, signal);
  if (id !== null && id !== undefined) return;
  throw permanent('SchemaNotFound', `there is no schema ${schema}, or this user may not see it`, {
    path,
    fix: `CREATE SCHEMA ${quoteBracket(schema)}`,
  });
}

function toColumn(row: ColumnRow, relation: string, path: string): Column {
  const nativeType = nativeOf(row, row.name, relation, path);
  const type = toColumnType(nativeType);
  const isGenerated =
    row.isComputed || row.isGeneratedAlways || row.isColumnSet || nativeType === 'rowversion';
  return {
    name: row.name,
    type,
    nativeType,
    isNullable: row.isNullable,
    ...(isGenerated && { isGenerated }),
    // The server accepts a value on insert (IDENTITY_INSERT), and never on update.
    ...(row.isIdentity && { isIdentity: true, isNeverUpdated: true }),
    ...(row.hasDefault && { hasDefault: true }),
    ...comparedBy(type, row.collation),
  };
}

function comparedBy(type: Column['type'], collation: string | null): Pick<Column, 'collation' | 'equality'> {
  if (type.kind !== 'text' || collation === null) return {};
  const equality = equalityOf(type, collation);
  return { collation, ...(equality !== undefined && { equality }) };
}

/** The primary key first, then unique indexes over columns that are NOT NULL, those with fewer columns first. */
function usableKeys(
  described: readonly Column[],
  columns: readonly ColumnRow[],
  keys: readonly KeyRow[],
): readonly UniqueKey[] {
  const nameOf = new Map(columns.map((column) => [column.id, column.name]));
  const notNull = new Set(described.filter((column) => !column.isNullable).map((column) => column.name));
  const indexes = Map.groupBy(keys, (key) => key.index);
  return [...indexes]
    .map(([index, parts]) => ({
      name: String(index),
      columns: parts.map((part) => nameOf.get(part.column) ?? ''),
      isPrimary: parts[0]?.isPrimary ?? false,
    }))
    .filter((key) => key.columns.every((name) => notNull.has(name)))
    .toSorted(
      (one, other) =>
        Number(other.isPrimary) - Number(one.isPrimary) || one.columns.length - other.columns.length,
    );
}

/**
 * The columns of a result. `collations`: by name, where they are known. Nothing is known about keys, nor about NULL: a column of a join may
 * be NULL although the protocol says that it is not.
 */
export function describeResult(
  fields: readonly Field[],
  collations: ReadonlyMap<string, string>,
  name: string,
  path: string,
): Relation {
  const columns = fields.map((field): Column => {
    const nativeType = nativeOf(typeOfField(field), field.name, name, path);
    const type = toColumnType(nativeType);
    const collation = collations.get(field.name) ?? null;
    const compared = comparedBy(type, collation);
    const unnamed = type.kind === 'text' && collation === null && field.collation !== undefined;
    return {
      name: field.name,
      type,
      nativeType,
      isNullable: true,
      ...compared,
      // The rule has another name than that of the same collation in a table, but only this system has it.
      ...(unnamed && { equality: `sqlserver:collation ${field.collation}` }),
    };
  });
  return { name, columns, keys: [], isOpaque: true };
}

/** Columns of a source whose values cannot be read. */
export function unreadableFindings({ name, columns }: Relation, path: string): Finding[] {
  return columns.flatMap((column) => {
    const why = readRefusal(column.nativeType);
    if (why === undefined) return [];
    return [
      {
        severity: 'error' as const,
        code: 'TypeNotKept' as const,
        path,
        message: `column ${column.name} of ${name} (${column.nativeType}) cannot be read: ${why}`,
        fix: 'leave the column out or convert it to another type in source.query',
      },
    ];
  });
}

/** Reasons why a table cannot be a destination. */
export function destinationFindings({ relation, kind, traits }: TableEntry): Finding[] {
  const what =
    kind !== 'table'
      ? 'a view or another object'
      : traits.temporalType === 1
        ? 'the history of a system-versioned table'
        : traits.isExternal
          ? 'an external table'
          : traits.isMemoryOptimized
            ? 'a memory-optimized table, which cannot take part in a transaction with the locks that Idra uses'
            : undefined;
  if (what === undefined)
    return [
      ...(traits.replacesStatements ? [writtenByTrigger(relation)] : []),
      ...(traits.ignoresDuplicates ? [leavesOutDuplicates(relation)] : []),
    ];
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

function writtenByTrigger({ name }: Relation): Finding {
  return {
    severity: 'error',
    code: 'TriggersMayChange',
    path: 'spec.destination.table',
    message: `${name} has an INSTEAD OF trigger: which rows are written is decided by it, and nothing reports those that it leaves out`,
    fix: 'drop or disable the trigger, or name another table',
  };
}

function leavesOutDuplicates({ name }: Relation): Finding {
  return {
    severity: 'error',
    code: 'DuplicatesIgnored',
    path: 'spec.destination.table',
    message: `${name} has an index with IGNORE_DUP_KEY = ON: the server leaves out rows whose key exists there, and reports no error`,
    fix: 'ALTER INDEX ... REBUILD WITH (IGNORE_DUP_KEY = OFF), or name another table',
  };
}

/** Names of the tables that a user may want to sync. `first` limits the list: tables of this name, and some others. */
export async function listTables(
  session: Session,
  signal?: AbortSignal,
  first?: FirstTables,
): Promise<readonly TableName[]> {
  const some = first
    ? `CASE WHEN LOWER(o.name) = LOWER(${literalText(first.called)}) THEN 0 ELSE 1 END, `
    : '';
  const rows = await session.query(
    `SELECT ${first ? `TOP (${first.most}) ` : ''}SCHEMA_NAME(o.schema_id), o.name FROM sys.objects AS o
     WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY ${some}SCHEMA_NAME(o.schema_id), o.name`,
    signal,
  );
  return rows
    .map(([schema, table]) => ({ schema: String(schema), table: String(table) }))
    .filter(({ table, schema }) => !isOwnTable(table) && schema !== 'sys');
}
