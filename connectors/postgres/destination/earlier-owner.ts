import { systemClock } from '../../../core/clock.ts';
import { writerName } from '../connection/open.ts';
import { sqlState } from '../errors.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

const startMicros = '(extract(epoch FROM backend_start) * 1000000)::bigint';

/**
 * The identity of this session as stored in the commit row: pid and start, because pids are reused, and its name, because a pooled
 * session gets another name with each user.
 */
export const sessionIdSql = `(SELECT pid || '/' || ${startMicros} || '/' || application_name FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid())`;

const goneWithinMs = 5_000;
const pollMs = 20;

/**
 * Ends the session of an owner that stopped in the middle of a transaction and may hold locks on rows of the target. If it cannot be
 * ended (it belongs to another role), the server's idle limit for writers ends it; its commit would be refused in any case.
 */
export async function endEarlierOwner(session: Session, owner: string, signal: AbortSignal): Promise<void> {
  const [pid = '', start = '', name = writerName] = owner.split('/');
  if (!/^\d+$/.test(pid) || !/^\d+$/.test(start) || !name.startsWith(writerName)) return;
  const that = `pid = ${pid} AND ${startMicros} = ${start} AND application_name = ${literalText(name)} AND pid <> pg_backend_pid()`;
  try {
    await session.abortable(
      () => session.run(`SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE ${that}`),
      signal,
    );
  } catch (thrown) {
    if (sqlState(thrown) === '42501') return;
    throw session.classified(thrown);
  }
  const deadlineMs = systemClock.monotonicMs() + goneWithinMs;
  while (systemClock.monotonicMs() < deadlineMs) {
    const left = await session.query(`SELECT 1 FROM pg_catalog.pg_stat_activity WHERE ${that}`, signal);
    if (left.length === 0) return;
    await systemClock.sleep(pollMs, signal);
  }
}
