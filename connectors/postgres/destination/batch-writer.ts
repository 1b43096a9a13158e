import type { Rejection } from '../../../core/connector.ts';
import { IdraError } from '../../../core/errors.ts';
import { namedAs, refusedRow } from '../../sql/destination/refused-row.ts';
import { type Names, writing } from '../connection/search-path.ts';
import { isRowError, rejectionOf } from '../errors.ts';
import type { Session } from '../session.ts';
import type { RowSet } from './bulk-load.ts';
import { stage, type Target } from './ddl.ts';

/**
 * Strategies for writing rows into the table; each works where the one before is refused:
 * - insert: COPY directly into it. Also with Upsert if no row is expected to exist: an existing key fails the COPY.
 * - merge: COPY into a stage and one INSERT .. ON CONFLICT; fails if a batch has a key twice.
 * - mergeDistinct: the same, with the last row of each key.
 */
export type WriteStrategy = 'insert' | 'merge' | 'mergeDistinct';

const uniqueViolation = '23505';
const cardinalityViolation = '21000';

/** The strategy to try after one that failed with this SQLSTATE; undefined if the rows themselves are the cause. */
export function nextStrategy(strategy: WriteStrategy, state: string | undefined): WriteStrategy | undefined {
  if (strategy === 'insert' && state === uniqueViolation) return 'merge';
  if (strategy === 'merge' && state === cardinalityViolation) return 'mergeDistinct';
  return undefined;
}

/** The server accepted the rows but a trigger of the table dropped some of them, which causes no error. */
export class RowsLeftOut extends IdraError {
  constructor(table: string) {
    const code = 'ConstraintViolated';
    const fix = 'make sure that the trigger lets rows and deletions pass, or set onError to Skip';
    super({ code, disposition: 'permanent', message: `${table} refuses a row: ${leftOut}`, fix });
  }
}

const leftOut = 'a trigger of the table skips the row';

/** Caused by a row, so that `onError` decides. */
export function isRowRefused(thrown: unknown): boolean {
  return isRowError(thrown) || thrown instanceof RowsLeftOut;
}

function rejectionOfRow(thrown: unknown): Rejection {
  return isRowError(thrown) ? rejectionOf(thrown) : { code: 'ConstraintViolated', message: leftOut };
}

export interface PutRows {
  readonly written: number;
  readonly rejections: readonly Rejection[];
}

/** What a transaction has done, before it is committed. */
export interface Outcome extends PutRows {
  readonly deleted: number;
}

export interface BatchWriterInit {
  readonly session: Session;
  readonly target: Target;
  readonly alwaysIdentity: ReadonlySet<string>;
  readonly names: Names;
}

/** After this many, the rest of a batch probably contains many more: larger steps have fewer parts that fail. */
const manyRejections = 32;
/** Dead rows in the stage before it is truncated; scanning fewer costs less than TRUNCATE. */
const mostDeadRows = 1_000;

/** Puts rows into a table within the session's transaction. */
export class BatchWriter {
  readonly #session: Session;
  readonly #target: Target;
  readonly #alwaysIdentity: ReadonlySet<string>;
  readonly #names: Names;
  #hasStage = false;
  /** Rows in the stage's file, including dead ones. */
  #stagedSinceTruncate = Number.POSITIVE_INFINITY;

  constructor({ session, target, alwaysIdentity, names }: BatchWriterInit) {
    this.#session = session;
    this.#target = target;
    this.#alwaysIdentity = alwaysIdentity;
    this.#names = names;
  }

  /** Call before a transaction that merges: the stage belongs to the session. */
  async prepare(strategy: WriteStrategy): Promise<void> {
    if (strategy === 'insert' || this.#hasStage) return;
    await this.#session.run(this.#target.stageSql);
    this.#hasStage = true;
  }

  /** Returns the number of rows put. `first` is sent before them, in the same round trip. Driver errors are thrown as they are. */
  async put(rows: RowSet, strategy: WriteStrategy, first: string, into?: string): Promise<number> {
    const written = await this.#putRange(rows, strategy, first, 0, rows.count, into);
    const [misfit] = rows.misfits.values();
    if (misfit) throw refusedRow(misfit, this.#target.name);
    return written;
  }

  /** Leaves out rows that cannot be kept. Call within a transaction. Ends after `most` of them. */
  async putGood(
    rows: RowSet,
    strategy: WriteStrategy,
    into?: string,
    most = Number.POSITIVE_INFINITY,
  ): Promise<PutRows> {
    const put = async (endOfLast: string, from: number, to: number): Promise<number> => {
      const empty = strategy === 'insert' ? '' : this.#emptyStage(to - from);
      return await this.#putRange(rows, strategy, `${endOfLast}${empty}SAVEPOINT part; `, from, to, into);
    };
    const { done, rejections } = await putGoodParts(this.#session, { rows, put, most });
    return { written: done, rejections: [...rejections, ...rows.misfits.values()] };
  }

  /**
   * Sent before the savepoint of a part of `count` rows. TRUNCATE creates a new file, which is expensive for one row; after DELETE, rows
   * may be stored out of order, which matters if there are several.
   */
  #emptyStage(count: number): string {
    const isCheap = count === 1 && this.#stagedSinceTruncate < mostDeadRows;
    this.#stagedSinceTruncate = isCheap ? this.#stagedSinceTruncate + count : count;
    return isCheap ? `DELETE FROM ${stage}; ` : `TRUNCATE ${stage}; `;
  }

  async #putRange(
    rows: RowSet,
    strategy: WriteStrategy,
    first: string,
    from: number,
    to: number,
    into?: string,
  ): Promise<number> {
    const body = rows.body(from, to);
    if (strategy === 'insert') {
      const copySql = writing(this.#target.copySql(rows.isBinary, into), this.#names);
      const copied = await this.#session.copyIn(first + copySql, body);
      if (copied < sentRows(rows, from, to) && !this.#target.mayPassOn)
        throw new RowsLeftOut(this.#target.name);
      return copied;
    }
    // After BEGIN it is empty; within a transaction it contains what was merged before.
    const empty = first === '' ? `TRUNCATE ${stage}; ` : first;
    const staged = await this.#session.copyIn(`${empty}${this.#target.copySql(rows.isBinary, stage)}`, body);
    const mergeSql = this.#target.mergeSql(strategy === 'mergeDistinct', this.#alwaysIdentity);
    const results = await this.#session.results(writing(mergeSql, this.#names));
    const count = results.find((each) => each.command === 'INSERT')?.rowCount ?? 0;
    if (count < staged) await this.#requireStaged();
    return count;
  }

  /** Fewer rows were written than sent: later rows had the same key, equal rows existed, or a trigger dropped some. */
  async #requireStaged(): Promise<void> {
    const [[isMissing] = []] = await this.#session.run(this.#target.missingSql);
    if (isMissing === 't') throw new RowsLeftOut(this.#target.name);
  }
}

export interface Parts {
  readonly rows: Pick<RowSet, 'count' | 'name'>;
  /** Sends `endOfLast`, begins the savepoint `part` and writes this range; returns how many rows that affected. */
  put(endOfLast: string, from: number, to: number): Promise<number>;
  readonly most: number;
}

/**
 * Splits a set until each row that the table refuses is alone; these are skipped. The statements that end a part are sent with the rows of
 * the next one.
 */
export async function putGoodParts(
  session: Session,
  { rows, put, most }: Parts,
): Promise<{ readonly done: number; readonly rejections: readonly Rejection[] }> {
  const rejections: Rejection[] = [];
  let endOfLast = '';
  const putPart = async (from: number, to: number): Promise<number> => {
    if (rejections.length >= most) return 0;
    try {
      const done = await put(endOfLast, from, to);
      endOfLast = 'RELEASE part; ';
      return done;
    } catch (thrown) {
      if (!isRowRefused(thrown)) throw thrown;
      // Without RELEASE each refused part stays open around all later ones, and the server slows down with their number.
      endOfLast = 'ROLLBACK TO part; RELEASE part; ';
      if (to - from > 1) return await putParts(from, to);
      rejections.push({ ...rejectionOfRow(thrown), ...namedAs(rows.name(from)) });
      return 0;
    }
  };
  const putParts = async (from: number, to: number): Promise<number> => {
    const size = Math.ceil((to - from) / (rejections.length < manyRejections ? 2 : 8));
    let done = 0;
    for (let at = from; at < to; at += size) done += await putPart(at, Math.min(at + size, to));
    return done;
  };
  const done = await putPart(0, rows.count);
  await session.runAll(endOfLast);
  return { done, rejections };
}

/** Rows that no column can keep are not sent; they are known once the body has been made. */
function sentRows(rows: RowSet, from: number, to: number): number {
  let misfits = 0;
  for (const index of rows.misfits.keys()) if (index >= from && index < to) misfits += 1;
  return to - from - misfits;
}
