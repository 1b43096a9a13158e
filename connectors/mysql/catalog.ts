import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

/** A unique index, as read from the catalog. */
export interface IndexEntry {
  readonly name: string;
  /** Null for a part that is a column prefix or an expression. */
  readonly columns: readonly (string | null)[];
}

/** `where` is the condition that selects the table in information_schema. */
export async function readIndexes(
  session: Session,
  where: string,
  isVersioned: boolean,
  signal?: AbortSignal,
): Promise<readonly IndexEntry[]> {
  const rows = await session.query(
    `SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS
     WHERE ${where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    signal,
  );
  const rowEnd = isVersioned ? await readRowEnd(session, where, signal) : undefined;
  const columns = new Map<string, (string | null)[]>();
  for (const [index, column, part] of rows) {
    const name = String(index);
    const whole = part === null && typeof column === 'string' ? column : null;
    if (whole === null || whole !== rowEnd) columns.set(name, [...(columns.get(name) ?? []), whole]);
  }
  return [...columns].map(([name, of]) => ({ name, columns: of }));
}

/**
 * The column that ends a row's period, if it is a named column. The server adds it to each unique index. All current rows have the same
 * value there, so they are unique by the other columns.
 */
async function readRowEnd(
  session: Session,
  where: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const [row] = await session.query(
    `SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE ${where} AND GENERATION_EXPRESSION = 'ROW END'`,
    signal,
  );
  return row === undefined ? undefined : String(row[0]);
}

/** The first column of each index of a table, unique or not. */
export async function firstOfIndexes(
  session: Session,
  { schema, table }: { readonly schema: string; readonly table: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const rows = await session.query(
    `SELECT DISTINCT COLUMN_NAME FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)} AND SEQ_IN_INDEX = 1 AND SUB_PART IS NULL`,
    signal,
  );
  return rows.map(([name]) => String(name));
}
