import { permanent } from '../../../core/errors.ts';
import type { Session } from '../session.ts';

/** By session: another server may read the same text otherwise, since comments with a version in them are read from that version on. */
const proven = new WeakMap<Session, Set<string>>();

/** As it stands within other statements: on lines of its own, without the semicolon that may end it. */
export function bareQuery(query: string): string {
  return query.trim().replace(/;\s*$/, '');
}

/**
 * Before the text stands within other statements: the server has read it as one whole statement that gives rows, so that nothing in it
 * ends the parentheses around it, and it is no CALL and no SELECT ... INTO. The server only prepares it: nothing is run. Throws QueryInvalid.
 */
export async function requireOneSelect(session: Session, query: string, signal: AbortSignal): Promise<void> {
  const seen = proven.get(session) ?? new Set();
  if (seen.has(query)) return;
  const columns = await session.guard(() => session.columnsOf(bareQuery(query)), signal);
  if (columns === 0) {
    throw permanent('QueryInvalid', 'source.query gives no rows', {
      path: 'spec.source.query',
      mend: 'write one SELECT, without INTO',
    });
  }
  proven.set(session, seen.add(query));
}
