import { transient } from '../../../core/errors.ts';
import type { Cell } from '../connection/statements.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import type { Session } from '../session.ts';

/** Seconds to wait for what a stopped owner held to be rolled back. */
const claimWaitSeconds = 30;

/** Ends the session that holds this lock of the server, as a literal: that of an owner before this one. */
export async function endHolder(session: Session, lock: string): Promise<void> {
  const holder = await answerOf(session, `SELECT IS_USED_LOCK(${lock})`);
  if (holder === null || holder === undefined || String(holder) === String(session.id)) return;
  await killSession(session, String(holder));
}

/** Held as long as the session lives, which is known by it. */
export async function takeLock(session: Session, lock: string): Promise<void> {
  const isTaken = await answerOf(session, `SELECT GET_LOCK(${lock}, ${claimWaitSeconds})`);
  if (Number(isTaken) === 1) return;
  throw transient('ClaimBusy', 'the session of an earlier owner of this sync has not ended yet');
}

/** Ends another session of the same user. One that is gone already is as well. */
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
