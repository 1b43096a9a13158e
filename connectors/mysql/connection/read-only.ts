import { readerMark, type Session } from '../session.ts';
import type { SqlRow } from './statements.ts';

/** Whatever the functions and views of the server do, they cannot write in it, nor end it. */
export const beginReadOnly = `${readerMark} START TRANSACTION READ ONLY`;
export const commitReadOnly = `${readerMark} COMMIT`;

/** Rows of one statement that reads what users have made: a query, a view, a table that may have become a view. */
export async function readOnly(
  session: Session,
  sql: string,
  signal?: AbortSignal,
): Promise<readonly SqlRow[]> {
  return await session.guard(async () => {
    try {
      const results = await session.run([beginReadOnly, sql, commitReadOnly].join('; '));
      return results.at(-2)?.rows ?? [];
    } catch (thrown) {
      if (!session.isLost) await session.run(`${readerMark} ROLLBACK`);
      throw thrown;
    }
  }, signal);
}
