import { transient } from '../../../core/errors.ts';
import { idleLimit } from '../connection/settings.ts';
import type { Result } from '../connection/statements.ts';
import { classify, errnoOf, errorNumbers, isRowError } from '../errors.ts';
import type { Session } from '../session.ts';
import type { TargetShape } from './target-shape.ts';

/** Set when a transaction begins and released with its COMMIT. It is lost if anything commits or rolls back in between. */
const wholeMark = 'idra_transaction';

/**
 * The one transaction in which rows, offset and token are committed. It begins with the first statements, which first check that the
 * target is the claimed table, and ends with `commit` or `rollBack`. If the server ended the transaction itself (a deadlock, an implicit
 * commit), `commit` fails, so nothing is committed in part.
 */
export class WriteTransaction {
  readonly #session: Session;
  readonly #target: TargetShape;
  #isOpen = false;

  constructor(session: Session, target: TargetShape) {
    this.#session = session;
    this.#target = target;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Runs statements within the transaction. `beforeBegin` are statements that commit implicitly (TRUNCATE): they run only if the
   * transaction is not open yet. An error while it begins leaves it closed, and nothing is kept.
   */
  async run(
    statements: readonly string[],
    { beforeBegin = [], body }: { beforeBegin?: readonly string[]; body?: readonly Buffer[] } = {},
  ): Promise<readonly Result[]> {
    if (this.#isOpen) return await this.#send(statements, body);
    const opening = [...beforeBegin, idleLimit.inTransaction, 'START TRANSACTION', `SAVEPOINT ${wholeMark}`];
    const { statements: shape } = this.#target;
    try {
      const results = await this.#send([...opening, ...shape, ...statements], body);
      const end = opening.length + shape.length;
      await this.#target.requireSame(this.#session, results.slice(opening.length, end));
      this.#isOpen = true;
      return results.slice(end);
    } catch (thrown) {
      await this.rollBack();
      if (isOfShape(thrown)) await this.#target.requireStill(this.#session);
      throw thrown;
    }
  }

  /**
   * Returns a function that undoes all later statements: by a savepoint, or by rolling back the whole transaction if nothing was done
   * before.
   */
  async mark(name: string): Promise<() => Promise<void>> {
    if (!this.#isOpen) {
      return async () => {
        if (this.#isOpen) await this.rollBack();
      };
    }
    await this.#send([`SAVEPOINT ${name}`]);
    return async () => {
      await this.#send([`ROLLBACK TO SAVEPOINT ${name}`]);
    };
  }

  /** `statements` end with COMMIT and are sent together: a failure prevents the later ones from running. */
  async commit(statements: string): Promise<void> {
    if (!this.#isOpen) await this.run([]);
    try {
      await this.#send([`RELEASE SAVEPOINT ${wholeMark}`, statements]);
      this.#isOpen = false;
    } catch (thrown) {
      if (errnoOf(thrown) !== errorNumbers.noSuchSavepoint) throw thrown;
      await this.rollBack();
      throw transient(
        'TransactionRolledBack',
        'the server has ended the transaction of this batch on its own',
      );
    }
  }

  async rollBack(): Promise<void> {
    this.#isOpen = false;
    if (!this.#session.isLost) await this.#session.run(`ROLLBACK; ${idleLimit.otherwise}`);
  }

  async #send(statements: readonly string[], body?: readonly Buffer[]): Promise<readonly Result[]> {
    const sql = statements.join('; ');
    if (sql === '') return [];
    return body ? await this.#session.load(sql, body) : await this.#session.run(sql);
  }
}

/** Errors that a changed target may cause: those that only a change can resolve and that are not about a row. */
function isOfShape(thrown: unknown): boolean {
  const errno = errnoOf(thrown);
  return errno !== undefined && !isRowError(errno) && classify(thrown, '').disposition === 'permanent';
}
