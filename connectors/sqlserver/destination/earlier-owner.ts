import { createHash } from 'node:crypto';
import { transient } from '../../../core/errors.ts';
import { errorNumbers, numberOf } from '../errors.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/** For how long the session of a stopped owner may go on until the claim fails, and is retried. */
const claimWaitMs = 30_000;

/** An application lock of the session: the owner holds it as long as its session lives. */
export function ownerLock(uid: string, schema: string, table: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, schema, table]))
    .digest('hex');
  return literalText(`idra-owner-${hash.slice(0, 40)}`);
}

/**
 * Ends the session of an earlier owner, which holds this lock. Without the right to end sessions it is not waited for: its transactions are
 * single batches, so a stopped owner holds no lock of a table, and what it sends later is refused by its token.
 */
export async function takeOver(session: Session, lock: string): Promise<void> {
  if (await takeLock(session, lock, 0)) return;
  if (!(await killHolder(session, lock))) return;
  if (await takeLock(session, lock, claimWaitMs)) return;
  throw transient('ClaimBusy', 'the session of an earlier owner of this sync has not ended yet');
}

async function takeLock(session: Session, lock: string, waitMs: number): Promise<boolean> {
  const [result] = await session.run(
    `DECLARE @idra_taken int; EXEC @idra_taken = sp_getapplock @Resource = ${lock}, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = ${waitMs}; SELECT @idra_taken`,
  );
  return Number(result?.rows[0]?.[0]) >= 0;
}

/** Which session holds an application lock is visible only with VIEW SERVER STATE; ending it needs ALTER ANY CONNECTION. */
async function killHolder(session: Session, lock: string): Promise<boolean> {
  try {
    const [result] = await session.run(
      `SELECT l.request_session_id FROM sys.dm_tran_locks AS l WHERE l.resource_type = 'APPLICATION' AND l.resource_database_id = DB_ID()
         AND l.request_status = 'GRANT' AND l.request_session_id <> @@SPID AND CHARINDEX(LEFT(${lock}, 32), l.resource_description) > 0`,
    );
    const holder = Number(result?.rows[0]?.[0]);
    if (!(holder > 0)) return false;
    await session.run(`KILL ${holder}`);
    return true;
  } catch (thrown) {
    const number = numberOf(thrown);
    if (number === undefined) throw thrown;
    return number === errorNumbers.noSuchSession;
  }
}
