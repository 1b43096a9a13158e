import { type ClientSession, MongoErrorLabel } from 'mongodb';
import { backoffMs } from '../../../core/backoff.ts';
import { systemClock } from '../../../core/clock.ts';
import { reach } from '../../../core/crash-points.ts';
import { transient } from '../../../core/errors.ts';
import { code, hasLabel, isCode, isNetworkError } from '../errors.ts';
import type { Session } from '../session.ts';

const attempts = 6;
const commits = 4;
const waitMs = 50;

/** Conflicts with other transactions. Not every server sets the label that says so. */
export function isConflict(thrown: unknown): boolean {
  return (
    hasLabel(thrown, MongoErrorLabel.TransientTransactionError) ||
    isCode(thrown, code.writeConflict, code.serialization, code.noSuchTransaction, code.lockTimeout)
  );
}

/** Transactions of one claim: a later claimant ends them by the id of their session. */
export class WriteTransactions {
  readonly #session: Session;
  readonly client: ClientSession;

  constructor(session: Session) {
    this.#session = session;
    this.client = session.startSession();
  }

  /** The id that killSessions takes. */
  get id(): string {
    return Buffer.from(this.client.id?.id.buffer ?? []).toString('hex');
  }

  begin(): void {
    this.client.startTransaction({
      readConcern: { level: 'snapshot' },
      writeConcern: { w: 'majority', journal: true },
      readPreference: 'primary',
    });
  }

  async abort(): Promise<void> {
    if (this.client.inTransaction() && !this.#session.isLost)
      await this.client.abortTransaction().catch(() => {});
  }

  /**
   * Runs `work` and commits it; again if another transaction was in the way. `wasCommitted` reads at the destination whether the last work
   * is there.
   */
  async run<T>(work: () => Promise<T>, wasCommitted: () => Promise<boolean>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      this.begin();
      let result: T;
      try {
        result = await work();
      } catch (thrown) {
        await this.abort();
        if (!isConflict(thrown) || attempt >= attempts) throw thrown;
        await this.#wait(attempt);
        continue;
      }
      if (await this.commit(wasCommitted)) return result;
      if (attempt >= attempts) throw conflictRemains(this.#session.where);
      await this.#wait(attempt);
    }
  }

  /**
   * False: nothing was committed. The COMMIT itself is repeated, with its own transaction number, only if its result is unknown or the
   * network failed. An error that does not say what happened, such as NoSuchTransaction, may mean that an earlier attempt was committed: a
   * new transaction would then write the rows twice, so the destination is read.
   */
  async commit(wasCommitted: () => Promise<boolean>): Promise<boolean> {
    await reach('commit:before');
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.commitTransaction();
        return true;
      } catch (thrown) {
        const isUnknown =
          hasLabel(thrown, MongoErrorLabel.UnknownTransactionCommitResult) || isNetworkError(thrown);
        if (isUnknown && attempt < commits && !this.#session.isLost) {
          await this.#wait(attempt);
          continue;
        }
        if (!isUnknown && hasLabel(thrown, MongoErrorLabel.TransientTransactionError)) return false;
        if (this.#session.isLost) throw thrown;
        return await wasCommitted();
      }
    }
  }

  async end(): Promise<void> {
    await this.abort();
    if (!this.#session.isLost) await this.client.endSession().catch(() => {});
  }

  async #wait(attempt: number): Promise<void> {
    await systemClock.sleep(backoffMs(attempt, { baseMs: waitMs }), new AbortController().signal);
  }
}

function conflictRemains(where: string): Error {
  return transient(
    'SerializationFailure',
    `${where}: another transaction changes the same documents again and again`,
  );
}
