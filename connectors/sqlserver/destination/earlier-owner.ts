import { createHash } from 'node:crypto';
import { transient } from '../../../core/errors.ts';
import { programName } from '../connection/open.ts';
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
 * Ends the session of an earlier owner, which holds this lock. `stored`: the session that has claimed last. Without the right to end sessions
 * it is not waited for: its transactions are single batches then, so a stopped owner holds no lock of a table, and what it sends later is
 * refused by its token.
 */
export async function takeOver(session: Session, lock: string, stored?: string): Promise<void> {
  if (await takeLock(session, lock, 0)) return;
  if (!(await killHolder(session, lock, stored))) return;
  if (await takeLock(session, lock, claimWaitMs)) return;
  throw transient('ClaimBusy', 'the session of an earlier owner of this sync has not ended yet');
}

/**
 * Whether this user may end the sessions of stopped owners. Where it may, an owner may hold a transaction open between two messages: the
 * next owner is a session of the same user.
 */
export async function mayEndSessions(session: Session, signal: AbortSignal): Promise<boolean> {
  const server = (right: string) => `HAS_PERMS_BY_NAME(NULL, NULL, '${right}') = 1`;
  const database = (right: string) => `HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', '${right}') = 1`;
  const isEnding = `(IS_SRVROLEMEMBER('sysadmin') = 1 OR ${server('ALTER ANY CONNECTION')})`;
  const held = `${isEnding} AND ${server('VIEW SERVER STATE')}`;
  // A database of Azure SQL has rights of its own for it.
  const heldHere = `${database('KILL DATABASE CONNECTION')} AND ${database('VIEW DATABASE STATE')}`;
  const either = session.facts.version.startsWith('Azure') ? `(${held}) OR (${heldHere})` : held;
  const [[mayEnd] = []] = await session.query(`SELECT CASE WHEN ${either} THEN 1 ELSE 0 END`, signal);
  return Number(mayEnd) === 1;
}

async function takeLock(session: Session, lock: string, waitMs: number): Promise<boolean> {
  const [result] = await session.run(
    `DECLARE @idra_taken int; EXEC @idra_taken = sp_getapplock @Resource = ${lock}, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = ${waitMs}; SELECT @idra_taken`,
  );
  return Number(result?.rows[0]?.[0]) >= 0;
}

/** Which session holds an application lock is visible only with VIEW SERVER STATE; ending it needs ALTER ANY CONNECTION. */
async function killHolder(session: Session, lock: string, stored: string | undefined): Promise<boolean> {
  try {
    const holder = await holderOf(session, lock, stored);
    if (!(holder > 0)) return false;
    await session.run(`KILL ${holder}`);
    return true;
  } catch (thrown) {
    const number = numberOf(thrown);
    if (number === undefined) throw thrown;
    return number === errorNumbers.noSuchSession;
  }
}

async function holderOf(session: Session, lock: string, stored: string | undefined): Promise<number> {
  try {
    const [result] = await session.run(
      `SELECT l.request_session_id FROM sys.dm_tran_locks AS l WHERE l.resource_type = 'APPLICATION' AND l.resource_database_id = DB_ID()
         AND l.request_status = 'GRANT' AND l.request_session_id <> @@SPID AND CHARINDEX(LEFT(${lock}, 32), l.resource_description) > 0`,
    );
    return Number(result?.rows[0]?.[0]);
  } catch (thrown) {
    if (numberOf(thrown) !== errorNumbers.noSuchObject && numberOf(thrown) !== errorNumbers.unnumbered)
      throw thrown;
    return await storedHolder(session, stored);
  }
}

/** A server that does not show locks. Numbers of sessions are used again, so only one of Idra is ended: it connects again. */
async function storedHolder(session: Session, stored: string | undefined): Promise<number> {
  const [, number] = /^(\d+)\//.exec(stored ?? '') ?? [];
  if (number === undefined) return 0;
  const [result] = await session.run(
    `SELECT s.session_id FROM sys.dm_exec_sessions AS s WHERE s.session_id = ${number} AND s.session_id <> @@SPID
       AND s.program_name = ${literalText(programName.writer)}`,
  );
  return Number(result?.rows[0]?.[0]);
}
