import { transient } from '../../../core/errors.ts';
import type { Cell } from '../connection/statements.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import type { Session } from '../session.ts';

/** Seconds to wait for the rollback of what a stopped owner held. */
const claimWaitSeconds = 30;

/** Ends the session that holds this named lock (given as a literal): the session of an earlier owner. */
export async function endHolder(session: Session, lock: string): Promise<void> {
  const holder = await answerOf(session, `SELECT IS_USED_LOCK(${lock})`);
  if (holder === null || holder === undefined || String(holder) === String(session.id)) return;
  await killSession(session, String(holder));
}

/** Takes the lock that identifies this session and is held as long as it lives. */
export async function takeLock(session: Session, lock: string): Promise<void> {
  const isTaken = await answerOf(session, `SELECT GET_LOCK(${lock}, ${claimWaitSeconds})`);
  if (Number(isTaken) === 1) return;
  throw transient('ClaimBusy', 'the session of an earlier owner of this sync has not ended yet');
}

/** Ends another session of the same user. Succeeds if that session has already ended. */
async function killSession(session: Session, id: string): Promise<void> {
  try {
    await session.run(`KILL ${BigInt(id)}`);
  } catch (thrown) {
    if (errnoOf(thrown) !== errorNumbers.noSuchThread) throw thrown;
  }
}

async function answerOf(session: Session, sql: string): Promise<Cell | undefined> {
  return (await session.run(sql)).at(-1)?.rows[0]?.[0];
}
