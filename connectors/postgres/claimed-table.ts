import type { Batch } from '../../core/batch.ts';
import type { ClaimRequest, PassStart, WriteResult } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { IdraError } from '../../core/errors.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { Token } from '../../core/token.ts';
import { writeIsFenced } from '../sql/commit-table.ts';
import { joinName } from '../sql/names.ts';
import { refusedRow } from '../sql/refused-row.ts';
import { type BatchWriter, nextWay, type Outcome, type Way } from './batch-writer.ts';
import type { CommitRows } from './commit-rows.ts';
import { fencedState, isRowError, sqlState } from './errors.ts';
import type { TableName } from './names.ts';
import { Replacement } from './replace.ts';
import { type RowSet, rowSetOf } from './row-set.ts';
import type { Session } from './session.ts';

export interface ClaimedTableInit {
  readonly session: Session;
  readonly commits: CommitRows;
  readonly name: TableName;
  readonly writer: BatchWriter;
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly totalRows: number;
  /** It had no rows when it was claimed. */
  readonly wasEmpty: boolean;
}

/** Writes under one claim and over its session: when that is lost, so is the claim. */
export class ClaimedTable {
  readonly #init: ClaimedTableInit;
  #totalRows: number;
  /** Upsert: whether a straight COPY may still be tried. */
  #canInsert = true;
  /** The whole pass is one transaction: rows of it, not committed yet. */
  #openRows: number | undefined;
  #replacement: Replacement | undefined;

  constructor(init: ClaimedTableInit) {
    this.#init = init;
    this.#totalRows = init.totalRows;
  }

  async beginPass({ pass, isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    const { session, name, request, commits, token } = this.#init;
    const { uid, writeMode } = request.plan;
    await this.#undoing(async () => {
      if (writeMode === 'Replace') {
        const guardSql = commits.guardSql(uid, token);
        this.#replacement = await Replacement.begin({ session, name, uid, pass, isResumed, guardSql });
      }
      if (!isAtomic) return;
      // The source may be slower than the limit that ends a stopped owner's transaction.
      await session.run("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '15min'");
      this.#openRows = 0;
    }, signal);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const rows = rowSetOf(batch, this.#init.request.plan, this.#init.request.wire);
    return await this.#undoing(
      () =>
        this.#openRows === undefined ? this.#writeBatch(rows, batch) : this.#writeOpen(rows, this.#openRows),
      signal,
    );
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await this.#undoing(async () => {
      if (this.#openRows === undefined) await this.#init.session.run('BEGIN');
      await this.#replacement?.swap();
      // It is the target now, and its count nobody's any more.
      this.#replacement = undefined;
      const result = await this.#commit({ written: this.#openRows ?? 0, rejections: [] }, offset);
      this.#openRows = undefined;
      return result;
    }, signal);
  }

  /** One batch, one transaction. Its way is changed when the server refuses it. */
  async #writeBatch(rows: RowSet, batch: Batch): Promise<WriteResult> {
    const { session, writer, request } = this.#init;
    for (let way = this.#wayOf(batch); ; ) {
      try {
        await writer.prepare(way);
        const written = await writer.put(rows, way, 'BEGIN; ', this.#replacement?.shadow);
        return await this.#commit({ written, rejections: [] }, batch.offset);
      } catch (thrown) {
        const next = request.plan.writeMode === 'Upsert' ? nextWay(way, sqlState(thrown)) : undefined;
        const isSkipped = request.plan.onError !== 'Stop' && (isRowError(thrown) || isMisfit(thrown));
        if (!next && !isSkipped) throw isRowError(thrown) ? await this.#refusal(rows, thrown) : thrown;
        await session.run('ROLLBACK');
        if (!next) return await this.#writeGood(rows, batch);
        this.#canInsert = false;
        way = next;
      }
    }
  }

  /** Names the row that is to blame: it is looked for in a transaction that is rolled back. */
  async #refusal(rows: RowSet, thrown: unknown): Promise<unknown> {
    const { session, writer, name } = this.#init;
    await session.run('ROLLBACK');
    await writer.prepare(this.#safeWay);
    await session.run('BEGIN');
    const { rejections } = await writer.putGood(rows, this.#safeWay, this.#replacement?.shadow, 1);
    await session.run('ROLLBACK');
    const [first] = rejections;
    return first ? refusedRow(first, joinName([name.schema, name.table]), thrown) : thrown;
  }

  /** The batch without the rows that cannot be kept. */
  async #writeGood(rows: RowSet, batch: Batch): Promise<WriteResult> {
    const { session, writer } = this.#init;
    await writer.prepare(this.#safeWay);
    await session.run('BEGIN');
    const outcome = await writer.putGood(rows, this.#safeWay, this.#replacement?.shadow);
    return await this.#commit(outcome, batch.offset);
  }

  /** Within the one transaction of the pass. */
  async #writeOpen(rows: RowSet, before: number): Promise<WriteResult> {
    const { writer, request } = this.#init;
    const way = this.#safeWay;
    const into = this.#replacement?.shadow;
    await writer.prepare(way);
    const { written, rejections }: Outcome =
      request.plan.onError === 'Stop'
        ? { written: await writer.put(rows, way, '', into), rejections: [] }
        : await writer.putGood(rows, way, into);
    this.#replacement?.add(written);
    this.#openRows = before + written;
    return { written, rejected: rejections.length, rejections, totalRows: this.#totalRows + this.#openRows };
  }

  /** Offset, counts and the check of the token travel with COMMIT (Invariants 1 and 3): a process stopped before has nothing to send later. */
  async #commit({ written, rejections }: Outcome, offset: Offset | null): Promise<WriteResult> {
    const { session, commits, request, token } = this.#init;
    const stored = request.keepsOffset ? offset && encodeOffset(offset) : null;
    const note = this.#replacement ? `${this.#replacement.noteSql(written)}; ` : '';
    const sql = commits.storeSql(request.plan.uid, { token, offset: stored, written });
    await reach('commit:before');
    const [[total] = []] = await session.run(`${note}${sql}; COMMIT`);
    this.#replacement?.add(written);
    this.#totalRows = Number(total);
    return { written, rejected: rejections.length, rejections, totalRows: this.#totalRows };
  }

  #wayOf({ offset }: Batch): Way {
    const { request, wasEmpty } = this.#init;
    if (request.plan.writeMode !== 'Upsert') return 'insert';
    // A guess, which the unique index of the key judges: new ids, a first snapshot, and what goes into an empty table are not there yet.
    const isNew = wasEmpty || offset.mode === 'Id' || (offset.mode === 'Snapshot' && offset.pass === 1);
    return this.#canInsert && isNew ? 'insert' : 'merge';
  }

  /** Never refused for a key that is there, or is there twice. */
  get #safeWay(): Way {
    return this.#init.request.plan.writeMode === 'Upsert' ? 'mergeDistinct' : 'insert';
  }

  /** What fails is undone, and thrown as an error of ours. */
  async #undoing<T>(body: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { session, token } = this.#init;
    try {
      return await session.abortable(body, signal);
    } catch (thrown) {
      this.#openRows = undefined;
      await session.rollBack();
      signal.throwIfAborted();
      throw sqlState(thrown) === fencedState ? writeIsFenced(token) : session.classified(thrown);
    }
  }
}

function isMisfit(thrown: unknown): boolean {
  return thrown instanceof IdraError && thrown.code === 'ValueNotKept';
}
