import { errorOf } from '../../core/error-class.ts';
import { IdraError } from '../../core/errors.ts';
import type { Relation } from '../../core/values.ts';
import { queryInvalid } from '../sql/error-class.ts';
import { exactly, keysSql, objectId } from './catalog.ts';
import type { Field, Result } from './connection/statements.ts';
import { describeResult, describeTable, type TableEntry } from './describe.ts';
import { quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { collationsOf, fromQuery, requireOneSelect } from './source/one-statement.ts';
import { literalText } from './types/literals.ts';

/** The object that is read: a table or view by name, or a query. */
export type ReadObject = { readonly name: TableName } | { readonly query: string };

/** An object as it was described, and how a later statement checks that it is unchanged. */
export interface Seen {
  readonly relation: Relation;
  readonly from: string;
  readonly isMemoryOptimized?: boolean;
  /**
   * Reports the shape, in one result: sent before the rows and again after them. A statement holds the schema while it runs, so the rows
   * between two equal answers have that shape.
   */
  readonly shapeSql: string;
  /** Whether the answer shows the described shape. */
  readonly isSame: (answer: Pick<Result, 'fields' | 'rows'> | undefined) => boolean;
}

/** Undefined if the table does not exist. */
export async function describeSeen(
  session: Session,
  object: ReadObject,
  path: string,
  signal: AbortSignal,
): Promise<Seen | undefined> {
  if ('query' in object) {
    const { query } = object;
    const collations = await asQuery(queryInvalid.path, async () => {
      await requireOneSelect(session, query, signal);
      return await collationsOf(session, query, signal);
    });
    return await seeResult(
      session,
      fromQuery(object.query),
      collations,
      'query',
      'spec.source.query',
      signal,
    );
  }
  const entry = await describeTable(session, object.name, path, signal);
  if (!entry) return undefined;
  const { isMemoryOptimized } = entry.traits;
  // A memory-optimized table is read in a transaction only with this hint.
  const from = `${quoteName(entry.name)}${isMemoryOptimized ? ' WITH (SNAPSHOT)' : ''}`;
  if (entry.kind === 'table') {
    const condition = isUnchanged(entry);
    return {
      relation: entry.relation,
      from,
      isMemoryOptimized,
      shapeSql: `SELECT CASE WHEN ${condition} THEN 1 ELSE 0 END`,
      isSame: (answer) => Number(answer?.rows[0]?.[0]) === 1,
    };
  }
  const collations = entry.columns.flatMap(({ name, collation }) =>
    collation === null ? [] : [[name, collation] as const],
  );
  return await seeResult(session, from, new Map(collations), entry.relation.name, path, signal);
}

/** A view or query: what a SELECT of it returns. */
async function seeResult(
  session: Session,
  from: string,
  collations: ReadonlyMap<string, string>,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<Seen> {
  const shapeSql = `SELECT TOP (0) * FROM ${from}`;
  const [result] = await asQuery(path, () => session.guard(() => session.run(shapeSql), signal));
  const fields = result?.fields ?? [];
  const fingerprint = fieldsText(fields);
  return {
    relation: describeResult(fields, collations, name, path),
    from,
    shapeSql,
    isSame: (answer) => fieldsText(answer?.fields ?? []) === fingerprint,
  };
}

/** While a query is described, what the server refuses without a number of its own is the query. */
async function asQuery<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    if (!(thrown instanceof IdraError) || thrown.code !== 'ServerError' || path !== queryInvalid.path)
      throw thrown;
    throw errorOf(queryInvalid, thrown.message, thrown);
  }
}

function fieldsText(fields: readonly Field[]): string {
  return JSON.stringify(fields);
}

/**
 * A condition that is true while the name refers to this very table, with these columns and keys. Compared by the server, in the
 * transaction that reads or writes.
 */
export function isUnchanged({ name, columns, keys, relation }: TableEntry): string {
  const id = objectId(name);
  const columnValues = columns.map((column) => {
    const { id: at, systemType, userType, maxLength, precision, scale } = column;
    const flags = [column.isNullable, column.isIdentity, column.isComputed, column.hasDefault].map(Number);
    const texts = [column.name, column.collation ?? ''].map(literalText);
    return [at, systemType, userType, maxLength, precision, scale, ...flags, ...texts];
  });
  const keyValues = keys.map(({ index, isPrimary, ordinal, column }) => [
    index,
    Number(isPrimary),
    ordinal,
    column,
  ]);
  return [
    `${id} = ${relation.identity}`,
    holdsExactly(shapeOfColumns(id), columnValues),
    holdsExactly(keysSql(id), keyValues),
  ].join(' AND ');
}

/** Only what sys.columns itself has, because each batch that reads or writes asks for it. */
function shapeOfColumns(id: string): string {
  return `SELECT c.column_id, c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity, c.is_computed,
      CASE WHEN c.default_object_id = 0 THEN 0 ELSE 1 END, ${exactly('c.name')}, ${exactly("COALESCE(c.collation_name, N'')")}
    FROM sys.columns AS c WHERE c.object_id = ${id}`;
}

/** The rows of the SELECT are these, and no others: each of them is found, and there are no more. */
function holdsExactly(select: string, rows: readonly (readonly (string | number)[])[]): string {
  const [width = 0] = rows.map((row) => row.length);
  if (width === 0) return `NOT EXISTS (${select})`;
  const names = Array.from({ length: width }, (_, at) => `c${at}`);
  const list = names.join(', ');
  const same = names.map((each) => `planned.${each} = present.${each}`).join(' AND ');
  const values = rows.map((row) => `(${row.join(', ')})`).join(', ');
  return `(SELECT CASE WHEN COUNT(*) = ${rows.length} AND COUNT(planned.c0) = ${rows.length} THEN 1 ELSE 0 END
    FROM (${select}) AS present (${list}) LEFT JOIN (VALUES ${values}) AS planned (${list}) ON ${same}) = 1`;
}
