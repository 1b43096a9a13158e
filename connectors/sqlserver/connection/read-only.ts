import type { Session } from '../session.ts';
import type { SqlRow } from './statements.ts';

/**
 * What a reader runs is rolled back, whatever it did. If READ COMMITTED takes locks and the database allows it, the transaction reads a
 * snapshot, which waits for nobody; a change of a table after the snapshot is then an error (3961), and never a mixture.
 */
export function readingBegins({ facts }: Pick<Session, 'facts'>): string {
  return usesSnapshot(facts)
    ? 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION'
    : 'BEGIN TRANSACTION';
}

/** A function may have ended the transaction, or begun others. */
export function readingEnds({ facts }: Pick<Session, 'facts'>): string {
  const end = 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION';
  return usesSnapshot(facts) ? `${end}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED` : end;
}

function usesSnapshot({ allowsSnapshot, readsVersions }: Session['facts']): boolean {
  return allowsSnapshot && !readsVersions;
}

/** Rows of one statement that reads objects of users: a query, a view, or a table that may have been replaced by a view. */
export async function readOnly(
  session: Session,
  sql: string,
  signal?: AbortSignal,
): Promise<readonly SqlRow[]> {
  return await session.guard(async () => {
    try {
      const results = await session.run([readingBegins(session), sql, readingEnds(session)].join(';\n'));
      return results[0]?.rows ?? [];
    } catch (thrown) {
      if (!session.isLost) await session.rollBack();
      throw thrown;
    }
  }, signal);
}
