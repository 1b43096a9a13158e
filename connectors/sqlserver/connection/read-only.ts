import type { Session } from '../session.ts';
import { readingBegins, readingEnds } from './settings.ts';
import type { SqlRow } from './statements.ts';

/** Rows of one statement that reads objects of users: a query, a view, or a table that may have been replaced by a view. */
export async function readOnly(
  session: Session,
  sql: string,
  signal?: AbortSignal,
  kind: { readonly isMemoryOptimized?: boolean } = {},
): Promise<readonly SqlRow[]> {
  return await session.guard(async () => {
    try {
      const results = await session.run(
        [readingBegins(session, kind), sql, readingEnds(session)].join(';\n'),
      );
      return results[0]?.rows ?? [];
    } catch (thrown) {
      if (!session.isLost) await session.rollBack();
      throw thrown;
    }
  }, signal);
}
