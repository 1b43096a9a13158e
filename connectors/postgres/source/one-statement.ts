import pg from 'pg';
import { permanent } from '../../../core/errors.ts';
import { queryInvalid } from '../../sql/error-class.ts';
import { useUsersPath } from '../connection/search-path.ts';
import type { Session } from '../session.ts';

/**
 * Call before the text is embedded in another statement. The server must have parsed it as one complete statement, so that nothing in it
 * closes the surrounding parentheses and nothing after them becomes part of a comment or literal. Throws QueryInvalid.
 */
export async function requireOneStatement(
  session: Session,
  query: string,
  signal: AbortSignal,
): Promise<void> {
  const prove = async () => {
    await session.run(`BEGIN READ ONLY; ${useUsersPath}`);
    try {
      await session.parse(query);
    } finally {
      await session.rollBack();
    }
  };
  try {
    await session.abortable(prove, signal);
  } catch (thrown) {
    if (!isSeveral(thrown)) throw session.classified(thrown);
    throw permanent('QueryInvalid', 'source.query has more than one statement', {
      path: queryInvalid.path,
      fix: 'write one SELECT',
      cause: thrown,
    });
  }
}

/** Recognized by the function that raises it: the state is that of every syntax error, and the message may be in any language. */
function isSeveral(thrown: unknown): boolean {
  return (
    thrown instanceof pg.DatabaseError && thrown.code === '42601' && thrown.routine === 'exec_parse_message'
  );
}
