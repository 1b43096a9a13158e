import { permanent } from '../../../core/errors.ts';
import { queryInvalid } from '../../sql/error-class.ts';
import type { Session } from '../session.ts';

/** Per session: another server may read the same text differently, since version comments are executed from that version on. */
const proven = new WeakMap<Session, Set<string>>();

/** As it is embedded in other statements: on its own lines, without a trailing semicolon. */
export function bareQuery(query: string): string {
  return query.trim().replace(/;\s*$/, '');
}

/**
 * Call before the text is embedded in other statements. The server must have parsed it as one whole statement that returns rows, so that
 * nothing in it closes the surrounding parentheses and it is neither CALL nor SELECT ... INTO. The server only prepares it and runs
 * nothing. Throws QueryInvalid.
 */
export async function requireOneSelect(session: Session, query: string, signal: AbortSignal): Promise<void> {
  const seen = proven.get(session) ?? new Set();
  if (seen.has(query)) return;
  const columns = await session.guard(() => session.columnsOf(bareQuery(query)), signal);
  if (columns === 0) {
    throw permanent('QueryInvalid', 'source.query does not return rows', {
      path: queryInvalid.path,
      fix: 'write one SELECT, without INTO',
    });
  }
  proven.set(session, seen.add(query));
}
