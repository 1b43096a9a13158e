import type { FieldDef } from 'pg';
import { type Finding, IdraError, permanent } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Column, Relation, UniqueKey } from '../../core/values.ts';
import { joinName, quoteDouble } from '../sql/names.ts';
import { type FirstTables, mostCompared, tableRemedy } from '../sql/source/missing-table.ts';
import {
  collatableSql,
  columnsSql,
  fieldCollationsSql,
  keysSql,
  queryColumns,
  tableColumns,
  tableSql,
} from './catalog.ts';
import { readFields, reading, readRows } from './connection/read-only.ts';
import type { Names } from './connection/search-path.ts';
import type { TextRow } from './connection/statements.ts';
import { sqlState } from './errors.ts';
import { quoteName, resolveName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { type CatalogType, toColumnType } from './types/column-types.ts';
import { literalText } from './types/literals.ts';
import { readTypeName } from './types/type-name.ts';

/** A table as read from the catalog, with details that only this connector needs. */
export interface TableEntry {
  readonly relation: Relation;
  readonly oid: string;
  /** pg_class.relkind: r table, p partitioned, v view, m materialized view, f foreign table. */
  readonly kind: string;
  readonly isUnlogged: boolean;
  /** GENERATED ALWAYS AS IDENTITY: can be inserted but not updated. */
  readonly alwaysIdentity: ReadonlySet<string>;
}

/** Sorts as bytes; C.UTF-8 sorts by code points, which is the same order. */
const byteOrders = new Set(['C', 'POSIX', 'ucs_basic', 'C.UTF-8', 'C.utf8', 'pg_c_utf8']);

/** Returns undefined if the table does not exist; throws SchemaNotFound. */
export async function describeTable(
  session: Session,
  name: TableName,
  path: string,
): Promise<TableEntry | undefined> {
  const [[oid, kind = '', rows, bytes, persistence, isSecured, isParent] = []] = await session.query(
    tableSql(name),
  );
  if (oid === undefined || oid === null) {
    await requireSchema(session, name.schema, path);
    return undefined;
  }
  // The value is used in statements.
  if (!/^\d+$/.test(oid)) throw session.classified(new Error('object id is not a number'));
  const columnRows = await session.query(columnsSql(tableColumns(oid)));
  const hasChildren = isParent === 't';
  // What a foreign table declares is not enforced.
  const objectName = joinName([name.schema, name.table]);
  const columns = columnRows
    .map((row) => toColumn(row, objectName, path))
    .map((each) => (kind === 'f' ? { ...each, isNullable: true } : each));
  const keys = hasChildren ? [] : (await session.query(keysSql(oid, kind ?? ''))).map(toKey);
  const findings = tableFindings(name, isSecured === 't', hasChildren);
  return {
    relation: {
      name: objectName,
      columns,
      keys,
      identity: oid,
      ...((hasChildren || 'vmf'.includes(kind ?? '')) && { isOpaque: true }),
      ...(isSecured === 't' && { hidesRows: true }),
      ...(rows === null || rows === undefined ? {} : { estimatedRows: Number(rows) }),
      ...(bytes === null || bytes === undefined ? {} : { estimatedBytes: Number(bytes) }),
      ...(findings.length > 0 && { findings }),
    },
    oid,
    kind: kind ?? '',
    isUnlogged: persistence === 'u',
    alwaysIdentity: new Set(columnRows.filter((row) => row[3] === 'a').map((row) => row[0] ?? '')),
  };
}

/** The table or view of a source. Throws TableNotFound. */
export async function describeSource(session: Session, table: string, path: string): Promise<Relation> {
  const name = await resolveName(session, table, path);
  const entry = await describeTable(session, name, path);
  if (entry) return entry.relation;
  const known = await listTables(session, { called: name.table, most: mostCompared });
  throw permanent(
    'TableNotFound',
    `there is no table ${joinName([name.schema, name.table])}, or this user may not see it`,
    {
      path: path,
      fix: tableRemedy(
        [name.schema, name.table],
        known.map((each) => [each.schema, each.table]),
        'check schema and name; names are case-sensitive',
      ),
    },
  );
}

/** The result columns of a query and their types; no row is read. Throws QueryInvalid. */
export async function describeQuery(session: Session, query: string): Promise<Relation> {
  const from = fromQuery(query);
  const fields = await session.guard(() => readFields(session, `SELECT * FROM ${from} LIMIT 0`, 'users'));
  const collations = await collationsOf(session, from, fields);
  const rows = fields.length === 0 ? [] : await session.query(columnsSql(queryColumns(fields, collations)));
  const columns = rows.map((row) => toColumn(row, 'the query', 'spec.source.query'));
  return { name: 'query', columns, keys: [], isOpaque: true };
}

/** The collations by which expressions are compared and sorted, by field index; the protocol does not report them. No row is read. */
async function collationsOf(
  session: Session,
  from: string,
  fields: readonly FieldDef[],
): Promise<ReadonlyMap<number, string>> {
  const expressions = fields.filter(({ tableID }) => tableID === 0);
  if (expressions.length === 0) return new Map();
  const collatable = new Set((await session.query(collatableSql(expressions))).map(([oid]) => Number(oid)));
  const wanted = [...fields.keys()].filter((index) => {
    const field = fields[index];
    return field?.tableID === 0 && collatable.has(field.dataTypeID);
  });
  if (wanted.length === 0) return new Map();
  const sql = fieldCollationsSql(from, fields, wanted);
  const [row = []] = await session.guard(() => readRows(session, sql, 'users'));
  // The value is used in statements; NULL if two collations of the query conflict.
  return new Map(
    wanted.flatMap((index, at) => (/^\d+$/.test(row[at] ?? '') ? [[index, row[at] ?? '']] : [])),
  );
}

/** As it is embedded in other statements, and as it is proven to be one statement (one-statement.ts). */
export function bareQuery(query: string): string {
  return query.trim().replace(/;\s*$/, '');
}

/** The query is on its own lines, so that a comment at its end does not extend further. */
export function fromQuery(query: string): string {
  return `(\n${bareQuery(query)}\n) AS "q"`;
}

/**
 * Names of the tables that a user may want to sync. `first` limits the list if there are very many: tables of this name, and some others.
 */
export async function listTables(session: Session, first?: FirstTables): Promise<readonly TableName[]> {
  const isCalled = first
    ? `pg_catalog.lower(c.relname) = pg_catalog.lower(${literalText(first.called)}) DESC, `
    : '';
  const rows = await session.query(
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
     ORDER BY ${isCalled}n.nspname, c.relname LIMIT ${first?.most ?? 'ALL'}`,
  );
  return rows
    .map(([schema, table]) => ({ schema: schema ?? '', table: table ?? '' }))
    .filter(({ table }) => !isOwnTable(table));
}

async function requireSchema(session: Session, schema: string, path: string): Promise<void> {
  const found = await session.query(
    `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literalText(schema)}`,
  );
  if (found.length > 0) return;
  throw permanent('SchemaNotFound', `there is no schema ${schema}`, {
    path,
    fix: `CREATE SCHEMA ${quoteDouble(schema)}`,
  });
}

function toColumn(row: TextRow, relation: string, path: string): Column {
  const [
    name,
    notNull,
    generated,
    identity,
    hasDefault,
    collation,
    nativeType,
    modifier,
    schema,
    type,
    kind,
  ] = row;
  const [elementSchema, elementType, elementKind, labels, equality, operatorSchema] = row.slice(11);
  const common = { modifier: Number(modifier), labels: labels ? (JSON.parse(labels) as string[]) : [] };
  const element: CatalogType | undefined = elementType
    ? {
        ...common,
        schema: elementSchema ?? '',
        name: elementType,
        kind: elementKind ?? '',
        element: undefined,
      }
    : undefined;
  const columnType = toColumnType({
    ...common,
    schema: schema ?? '',
    name: type ?? '',
    kind: kind ?? '',
    element,
  });
  return {
    name: name ?? '',
    type: columnType,
    nativeType: readTypeName(nativeType ?? '', name ?? '', relation, path),
    isNullable: notNull !== 't',
    ...(generated === 't' && { isGenerated: true }),
    ...(identity && { isIdentity: true }),
    ...(identity === 'a' && { isNeverUpdated: true }),
    ...(hasDefault === 't' && generated !== 't' && { hasDefault: true }),
    ...(collation && !byteOrders.has(collation) && { collation }),
    ...(equality && { equality: `postgres:${equality}` }),
    ...(operatorSchema && { operatorSchema }),
  };
}

function toKey([name, isPrimary, columns, isDeferrable]: TextRow): UniqueKey {
  return {
    name: name ?? '',
    isPrimary: isPrimary === 't',
    columns: JSON.parse(columns ?? '[]') as string[],
    ...(isDeferrable === 't' && { isDeferrable: true as const }),
  };
}

function tableFindings(name: TableName, isSecured: boolean, hasChildren: boolean): Finding[] {
  const findings: Finding[] = [];
  const objectName = joinName([name.schema, name.table]);
  if (isSecured) findings.push(rowSecurity(objectName));
  if (hasChildren) {
    findings.push({
      severity: 'info',
      code: 'HasChildren',
      message: `${objectName} has child tables, whose rows are read with its own: its keys are not unique across all of them`,
      fix: `name the columns that identify a row in source.key, or read only the table itself with source.query: SELECT * FROM ONLY ${quoteName(name)}`,
    });
  }
  return findings;
}

function rowSecurity(objectName: string): Finding {
  return {
    severity: 'warning',
    code: 'RowSecurity',
    message: `row security of ${objectName} hides rows from this user`,
    fix: 'GRANT a role with BYPASSRLS, or add a policy that shows all rows to it',
  };
}

/** With this setting the server refuses to read what policies would filter, also behind views. */
export const refuseHidingSql = 'SET LOCAL row_security = off';

/** What is behind a view or query may begin to hide rows at any time; like a table's own shape, this is checked with each page. */
export function refusesHiding({ isOpaque, hidesRows }: Relation): boolean {
  return isOpaque === true && !hidesRows;
}

/** Adds what row security hides in the tables behind a view or query, which the catalog does not show. */
export async function withHiddenRows(
  session: Session,
  relation: Relation,
  { from, names }: { readonly from: string; readonly names: Names },
): Promise<Relation> {
  if (!relation.isOpaque || relation.hidesRows) return relation;
  try {
    await session.run(reading(`${refuseHidingSql}; SELECT FROM ${from} LIMIT 0`, names));
    return relation;
  } catch (thrown) {
    if (!isHidingRefused(thrown)) throw session.classified(thrown);
    const findings = [...(relation.findings ?? []), rowSecurity(`a table of ${relation.name}`)];
    return { ...relation, hidesRows: true, findings };
  } finally {
    await session.rollBack();
  }
}

/** True also if another right is missing. */
export function isHidingRefused(thrown: unknown): boolean {
  return sqlState(thrown instanceof IdraError ? thrown.cause : thrown) === '42501';
}
