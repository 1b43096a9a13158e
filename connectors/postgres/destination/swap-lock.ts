import { systemClock } from '../../../core/clock.ts';
import { transient } from '../../../core/errors.ts';
import { sqlState } from '../errors.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';

/** Who waits for the lock makes every later reader wait behind it: so long at most, and then they have their turn. */
const waitMs = 300;
const pauseMs = 500;
const patienceMs = 20_000;
const lockNotAvailable = '55P03';

/** Within a transaction: nobody reads or writes the table from now on. Throws LockTimeout where it is never free for a moment. */
export async function lockOutOthers(session: Session, name: TableName, signal: AbortSignal): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      await session.run(
        `SAVEPOINT lock_out; SET LOCAL lock_timeout = ${waitMs}; LOCK TABLE ${quoteName(name)} IN ACCESS EXCLUSIVE MODE`,
      );
      // What follows may have to wait for tables that refer to this one, and for views.
      await session.run("RELEASE lock_out; SET LOCAL lock_timeout = '2s'");
      return;
    } catch (thrown) {
      if (sqlState(thrown) !== lockNotAvailable) throw thrown;
      await session.run('ROLLBACK TO lock_out');
      if (systemClock.monotonicMs() > deadlineMs) throw await lockTimeout(session, name, thrown);
      await systemClock.sleep(pauseMs, signal);
    }
  }
}

async function lockTimeout(session: Session, name: TableName, cause: unknown): Promise<Error> {
  const [[holders] = []] = await session.run(
    `SELECT pg_catalog.string_agg(DISTINCT 'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', ''), ', ')
     FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     WHERE l.relation = ${regclass(name)} AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()`,
  );
  return transient(
    'LockTimeout',
    `${quoteName(name)} cannot be replaced while others use it: ${holders ?? 'they change'}`,
    {
      mend: 'end their transactions, or wait: it is tried again without keeping readers out',
      cause,
    },
  );
}
