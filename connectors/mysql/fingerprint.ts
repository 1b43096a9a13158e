import type { FieldPacket } from 'mysql2';
import { IdraError } from '../../core/errors.ts';
import type { Relation } from '../../core/values.ts';
import { beginReadOnly, commitReadOnly } from './connection/read-only.ts';
import type { Result, SqlRow } from './connection/statements.ts';
import { describeQuery, describeTable, fromQuery, hasOwnRows, labelsAsText } from './describe.ts';
import { errnoOf } from './errors.ts';
import { quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { requireOneSelect } from './source/one-statement.ts';
import { literalText } from './types/literals.ts';

/** The object that is read: a table or view by name, or a query. */
export type ReadObject = { readonly name: TableName } | { readonly query: string };

/** An object as it was described, and how a later statement checks that it is unchanged. */
export interface Seen {
  readonly relation: Relation;
  readonly from: string;
  /**
   * Statements that begin a transaction, take the object's metadata lock until its end, and report the shape. Nobody can change the
   * object between them and the rows that follow. On MySQL the catalog is read in the transaction's snapshot, so the lock comes first.
   */
  readonly opening: readonly string[];
  /** Computed from the answers to `opening`. */
  readonly fingerprint: string;
}

/** Undefined if the table does not exist. */
export async function describeSeen(
  session: Session,
  object: ReadObject,
  path: string,
  signal: AbortSignal,
): Promise<Seen | undefined> {
  const from = 'query' in object ? fromQuery(object.query) : quoteName(object.name);
  if ('query' in object) await requireOneSelect(session, object.query, signal);
  const lock = [beginReadOnly, `SELECT * FROM ${from} LIMIT 0`];
  try {
    const locked = await takeLock(session, lock, signal);
    if ('query' in object) {
      if (locked instanceof IdraError) throw locked;
      const fingerprint = fingerprintOf(locked);
      const asText = labelsAsText(from, locked.at(-1)?.fields ?? []);
      return {
        relation: await describeQuery(session, asText, signal),
        from: asText,
        opening: lock,
        fingerprint,
      };
    }
    const entry = await describeTable(session, object.name, path, signal);
    if (!entry) return undefined;
    if (locked instanceof IdraError) throw locked;
    const catalogue = hasOwnRows(entry.kind)
      ? await catalogueStatement(session, entry.name, signal)
      : undefined;
    const catalogued =
      catalogue === undefined ? [] : await session.guard(() => session.run(catalogue), signal);
    const opening = catalogue === undefined ? lock : [...lock, catalogue];
    return {
      relation: entry.relation,
      from,
      opening,
      fingerprint: fingerprintOf([...locked, ...catalogued]),
    };
  } finally {
    if (!session.isLost) await session.guard(() => session.run(commitReadOnly), signal);
  }
}

/** Returns the error instead of throwing it: the catalog may give a better reason, for example a missing database. */
async function takeLock(
  session: Session,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<readonly Result[] | IdraError> {
  try {
    return await session.guard(() => session.run(statements.join('; ')), signal);
  } catch (thrown) {
    if (session.isLost || !(thrown instanceof IdraError)) throw thrown;
    return thrown;
  }
}

/** The cheapest text that describes a table completely. It requires a right on the whole table; a user may have rights on columns only. */
export async function catalogueStatement(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<string> {
  const show = `SHOW CREATE TABLE ${quoteName(name)}`;
  return await session.guard(async () => {
    try {
      await session.run(show);
      return show;
    } catch (thrown) {
      if (session.isLost || !deniedNumbers.has(errnoOf(thrown) ?? 0)) throw thrown;
      return columnsStatement(name);
    }
  }, signal);
}

const deniedNumbers = new Set([1142, 1143, 1227]);

function columnsStatement({ schema, table }: TableName): string {
  return `SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME, COLUMN_COMMENT, COLUMN_KEY
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)} ORDER BY ORDINAL_POSITION`;
}

/** One text for the answers to the statements that report a shape. */
export function fingerprintOf(
  results: readonly { readonly fields: readonly FieldPacket[]; readonly rows: readonly SqlRow[] }[],
): string {
  return JSON.stringify(
    results.map(({ fields, rows }) => [
      fields.map(({ name, columnType, columnLength, characterSet, flags, decimals }) => [
        name,
        columnType,
        columnLength,
        characterSet,
        flags,
        decimals,
      ]),
      rows.map((row) => row.map(withoutCounter)),
    ]),
  );
}

/** SHOW CREATE TABLE also reports the next id, which changes with every INSERT. */
function withoutCounter(cell: unknown): unknown {
  return typeof cell === 'string' ? cell.replace(/^(\) ENGINE=\S+) AUTO_INCREMENT=\d+/m, '$1') : cell;
}
