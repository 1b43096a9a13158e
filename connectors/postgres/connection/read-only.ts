import type { FieldDef } from 'pg';
import { type Names, useOwnPath, useUsersPath } from './search-path.ts';
import type { StatementRunner, TextRow } from './statements.ts';

/** How a source is locked and its shape read in the transaction that reads its rows. */
export interface ShapeQuery {
  /** Run in the transaction before anything is read. */
  readonly opening?: string;
  /** Reads nothing. The objects that it names cannot change until the end of the transaction. */
  readonly lockSql: string;
  /** One row with one column. */
  readonly fingerprintSql: string;
  /** The search path for the objects that are locked and read. */
  readonly names: Names;
}

/** The object to read, and its shape when it was described. */
export interface ExpectedShape {
  readonly query: ShapeQuery;
  readonly text: string;
}

/**
 * What users have written (a query, functions of views and policies) runs only within these statements. It cannot write, because no
 * statement can make a transaction READ WRITE after its first one. Settings (set_config) and the role are reset afterwards, because they
 * end with the savepoint. The transaction itself is committed, so that the server's statistics do not show every page as a rollback.
 */
const begin = 'BEGIN READ ONLY; SAVEPOINT "idra reading"';
const end = 'ROLLBACK TO "idra reading"; COMMIT';

export function reading(sql: string, names: Names): string {
  return `${begin}; ${pathOf(names)}${sql}; ${end}`;
}

/**
 * Locks the object, reads its shape (the first fields and the last row), and then reads rows. No name in our statements is looked up on
 * the users' path.
 */
export function readingShaped({ opening, lockSql, fingerprintSql, names }: ShapeQuery, sql?: string): string {
  const checked = `${opening === undefined ? '' : `${opening}; `}${pathOf(names)}${lockSql}; ${useOwnPath}; ${fingerprintSql}`;
  return `${begin}; ${checked}${sql === undefined ? '' : `; ${pathOf(names)}${sql}`}; ${end}`;
}

function pathOf(names: Names): string {
  return names === 'users' ? `${useUsersPath}; ` : '';
}

/** Like session.run. */
export async function readRows(
  session: StatementRunner,
  sql: string,
  names: Names,
): Promise<readonly TextRow[]> {
  return await undone(session, () => session.run(reading(sql, names)));
}

/** Names and types of a statement's columns. */
export async function readFields(
  session: StatementRunner,
  sql: string,
  names: Names,
): Promise<readonly FieldDef[]> {
  const results = await undone(session, () => session.results(reading(sql, names)));
  return results.find((each) => each.fields.length > 0)?.fields ?? [];
}

async function undone<T>(session: StatementRunner, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    await session.rollBack();
    throw thrown;
  }
}
