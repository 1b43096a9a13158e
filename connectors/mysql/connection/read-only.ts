import { readerMark, type Session } from '../session.ts';
import type { SqlRow } from './statements.ts';

/** Functions and views of the server cannot write in this transaction or end it, whatever they do. */
export const beginReadOnly = `${readerMark} START TRANSACTION READ ONLY`;
export const commitReadOnly = `${readerMark} COMMIT`;

/** Rows of one statement that reads user-defined objects: a query, a view, or a table that may have been replaced by a view. */
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
