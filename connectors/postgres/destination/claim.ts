import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, PassStart, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { IdraError, schemaChanged } from '../../../core/errors.ts';
import { lastChanges } from '../../../core/last-changes.ts';
import { decodeStored, encodeOffset, type Offset } from '../../../core/offset.ts';
import { offsetMovedInPass } from '../../../core/offset-moved.ts';
import type { Token } from '../../../core/token.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { refusedRow } from '../../sql/destination/refused-row.ts';
import { startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import { joinName } from '../../sql/names.ts';
import { commitOf, type Names } from '../connection/search-path.ts';
import {
  fencedState,
  isSchemaChange,
  mayBeSchemaChange,
  offsetMovedState,
  schemaChangedState,
  sqlState,
} from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import {
  type BatchWriter,
  isRowRefused,
  nextStrategy,
  type Outcome,
  type PutRows,
  type WriteStrategy,
} from './batch-writer.ts';
import { type RowSet, rowSetOf } from './bulk-load.ts';
import type { CommitRows } from './commit-rows.ts';
import type { Target } from './ddl.ts';
import { Deletions } from './deletions.ts';
import { Replacement } from './replace.ts';
import type { ClaimedShape } from './target-shape.ts';

export interface ClaimedTableInit {
  readonly session: Session;
  readonly commits: CommitRows;
  readonly name: TableName;
  readonly names: Names;
  readonly target: Target;
  readonly writer: BatchWriter;
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly shape: ClaimedShape;
  /** The offset that was stored when the table was claimed. */
  readonly offset: string | null;
  readonly totalRows: number;
  /** The table had no rows when it was claimed. */
  readonly wasEmpty: boolean;
}

/** A batch as rows to put, and rows to delete before. */
interface Changes {
  readonly rows: RowSet;
  readonly deletions?: RowSet;
}

const nothing: Outcome = { written: 0, deleted: 0, rejections: [] };

/** Maximum attempts in a row when the catalog changes in a way that does not affect the plan. */
const attempts = 5;

/**
 * Checks deferred constraints with the rows: at COMMIT no row could be named or skipped. The exception is a pass that is one transaction
 * and stops on errors: there a row may come before the one that it references.
 */
const beginChecked = 'BEGIN; SET CONSTRAINTS ALL IMMEDIATE';

/** Writes under one claim, on its session: if the session is lost, so is the claim. */
export class ClaimedTable {
  readonly #init: ClaimedTableInit;
  readonly #deletions: Deletions;
  #totalRows: number;
  /** The offset that this claim stored last. If another one is stored, somebody else moved it (Invariant 3). */
  #storedOffset: string | null;
  /** Upsert: whether a direct COPY may still be tried. */
  #canInsert = true;
  /** Uncommitted rows, if the whole pass is one transaction. */
  #openRows: number | undefined;
  #replacement: Replacement | undefined;

  constructor(init: ClaimedTableInit) {
    this.#init = init;
    const { session, target, names, request } = init;
    this.#deletions = new Deletions({ session, target, names, plan: request.plan });
    this.#totalRows = init.totalRows;
    this.#storedOffset = init.offset;
  }

  /** Sets an offset that a user changed, under this claim. */
  offsetIs(offset: string | null): void {
    this.#storedOffset = offset;
  }

  async beginPass({ pass, isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    const { session, name, request, commits, token, shape } = this.#init;
    const { uid, writeMode } = request.plan;
    if (this.#openRows !== undefined) await session.rollBack();
    this.#openRows = undefined;
    await this.#undoing(async () => {
      if (writeMode === 'Replace') {
        const guardSql = `${commits.requireSql}; ${commits.guardSql(uid, token)}`;
        this.#replacement = await Replacement.begin({ session, name, uid, pass, isResumed, guardSql, shape });
      }
      if (!isAtomic) return;
      // The source may be slower than the limit that ends a stopped owner's transaction.
      await session.run(
        `${request.plan.onError === 'Stop' ? 'BEGIN' : beginChecked}; SET LOCAL idle_in_transaction_session_timeout = '15min'; ${this.#requireShapeSql}`,
      );
      this.#openRows = 0;
    }, signal);
  }

  /** Without its shadow a pass has written nothing: the offset is where it began (Invariant 3: nobody else has moved it). */
  async #startPassOver(): Promise<void> {
    const { session, request, commits } = this.#init;
    const start = startOfPass(this.#storedOffset);
    this.#replacement = undefined;
    if (!request.keepsOffset || start === this.#storedOffset) return;
    await session.run(`BEGIN; ${commits.requireSql}`);
    await this.#commit(nothing, decodeStored(start));
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const changes = this.#changesOf(batch);
    return await this.#undoing(
      () =>
        this.#openRows === undefined
          ? this.#writeBatch(changes, batch)
          : this.#writeOpen(changes.rows, this.#openRows),
      signal,
    );
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await this.#undoing(async () => {
      if (this.#openRows === undefined) await this.#init.session.run(`BEGIN; ${this.#requireShapeSql}`);
      const swapped = await this.#replacement?.swap(signal);
      // The shadow is the target now, so its count is obsolete.
      this.#replacement = undefined;
      const target = swapped?.entry.relation.identity;
      const outcome = { ...nothing, written: this.#openRows ?? 0 };
      const result = await this.#commit(outcome, offset, target);
      this.#openRows = undefined;
      if (swapped) this.#init.shape.replacedBy(swapped);
      return result;
    }, signal);
  }

  #changesOf(batch: Batch): Changes {
    const { request } = this.#init;
    const { upserts, deletions } = lastChanges(batch, request.plan);
    const rows = rowSetOf(upserts, request.plan, request.rowFormat);
    return deletions.length === 0 ? { rows } : { rows, deletions: this.#deletions.setOf(deletions) };
  }

  /** One batch in one transaction. The strategy changes if the server refuses it. */
  async #writeBatch(changes: Changes, batch: Batch): Promise<WriteResult> {
    const { session, writer, request } = this.#init;
    const { rows } = changes;
    for (let strategy = this.#strategyOf(batch); ; ) {
      try {
        await this.#prepare(strategy, changes);
        const begin = `${beginChecked}; ${this.#requireShapeSql}; `;
        const deleted = changes.deletions && (await this.#deletions.apply(changes.deletions, begin));
        const first = deleted === undefined ? begin : '';
        const written = await writer.put(rows, strategy, first, this.#replacement?.shadow);
        return await this.#commit({ written, deleted: deleted ?? 0, rejections: [] }, batch.offset);
      } catch (thrown) {
        const next =
          request.plan.writeMode === 'Upsert' ? nextStrategy(strategy, sqlState(thrown)) : undefined;
        const isSkipped = request.plan.onError !== 'Stop' && (isRowRefused(thrown) || isMisfit(thrown));
        if (!next && !isSkipped) throw isRowRefused(thrown) ? await this.#refusal(changes, thrown) : thrown;
        await session.run('ROLLBACK');
        if (!next) return await this.#writeGood(changes, batch);
        this.#canInsert = false;
        strategy = next;
      }
    }
  }

  /** Deletions go through the stage in any case. */
  async #prepare(strategy: WriteStrategy, { deletions }: Changes): Promise<void> {
    await this.#init.writer.prepare(deletions ? 'merge' : strategy);
  }

  /** Names the row that caused the error. It is searched for in a transaction that is rolled back. */
  async #refusal(changes: Changes, thrown: unknown): Promise<unknown> {
    const { session, name } = this.#init;
    await session.run('ROLLBACK');
    await this.#prepare(this.#safeStrategy, changes);
    await session.run(beginChecked);
    const { rejections } = await this.#putGood(changes, 1);
    await session.run('ROLLBACK');
    const [first] = rejections;
    return first ? refusedRow(first, joinName([name.schema, name.table]), thrown) : thrown;
  }

  /** The batch without the rows that cannot be kept. */
  async #writeGood(changes: Changes, batch: Batch): Promise<WriteResult> {
    const { session } = this.#init;
    await this.#prepare(this.#safeStrategy, changes);
    await session.run(`${beginChecked}; ${this.#requireShapeSql}`);
    return await this.#commit(await this.#putGood(changes), batch.offset);
  }

  async #putGood({ rows, deletions }: Changes, most?: number): Promise<Outcome> {
    const removed = deletions && (await this.#deletions.applyGood(deletions, most));
    const put = await this.#init.writer.putGood(rows, this.#safeStrategy, this.#replacement?.shadow, most);
    const refused = removed?.rejections ?? [];
    return { ...put, deleted: removed?.deleted ?? 0, rejections: [...refused, ...put.rejections] };
  }

  /** Within the one transaction of the pass. */
  async #writeOpen(rows: RowSet, before: number): Promise<WriteResult> {
    const { writer, request } = this.#init;
    const strategy = this.#safeStrategy;
    const into = this.#replacement?.shadow;
    await writer.prepare(strategy);
    const { written, rejections }: PutRows =
      request.plan.onError === 'Stop'
        ? { written: await writer.put(rows, strategy, '', into), rejections: [] }
        : await writer.putGood(rows, strategy, into);
    this.#replacement?.add(written);
    this.#openRows = before + written;
    return {
      written,
      rejected: rejections.length,
      rejections,
      deleted: 0,
      totalRows: this.#totalRows + this.#openRows,
    };
  }

  /**
   * Offset, counts and the check of the token are sent with COMMIT (Invariants 1 and 3): a process that stopped before has nothing left
   * to send.
   */
  async #commit(
    { written, rejections, deleted }: Outcome,
    offset: Offset | null,
    target?: string,
  ): Promise<WriteResult> {
    const { session, commits, request, token, names } = this.#init;
    const stored = request.keepsOffset ? offset && encodeOffset(offset) : null;
    const note = this.#replacement ? `${this.#replacement.storeCountSql(written)}; ` : '';
    const sql = commits.storeSql(request.plan.uid, {
      token,
      offset: stored,
      previous: this.#storedOffset,
      written,
      target,
    });
    await reach('commit:before');
    const [[total] = []] = await session.run(`${note}${sql}; ${commitOf(names)}`);
    this.#replacement?.add(written);
    this.#totalRows = Number(total);
    this.#storedOffset = stored;
    return { written, rejected: rejections.length, rejections, deleted, totalRows: this.#totalRows };
  }

  #strategyOf({ offset }: Batch): WriteStrategy {
    const { request, wasEmpty } = this.#init;
    if (request.plan.writeMode !== 'Upsert') return 'insert';
    // A guess, verified by the key's unique index: new ids, a first snapshot, and rows for an empty table do not exist there yet.
    const isNew = wasEmpty || offset.mode === 'Id' || (offset.mode === 'Snapshot' && offset.pass === 1);
    return this.#canInsert && isNew ? 'insert' : 'merge';
  }

  /** Never refused because a key exists or occurs twice. */
  get #safeStrategy(): WriteStrategy {
    return this.#init.request.plan.writeMode === 'Upsert' ? 'mergeDistinct' : 'insert';
  }

  /** Undoes what fails, and throws it as an IdraError. */
  async #undoing<T>(body: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { session, token, name, shape } = this.#init;
    for (let attempt = 1; ; attempt++) {
      const isWithin = this.#openRows !== undefined;
      try {
        return await session.abortable(body, signal);
      } catch (thrown) {
        this.#openRows = undefined;
        await session.rollBack();
        signal.throwIfAborted();
        if (startsOver(thrown)) {
          await session.guard(() => this.#startPassOver(), signal);
          throw thrown;
        }
        if (sqlState(thrown) === fencedState) throw writeIsFenced(token);
        if (sqlState(thrown) === offsetMovedState) throw offsetMovedInPass(quoteName(name));
        if (!mayBeSchemaChange(thrown)) throw session.classified(thrown);
        await session.guard(() => shape.requireUnchanged(session), signal);
        if (!isSchemaChange(thrown)) throw session.classified(thrown);
        // The table was the planned one each time, so the server means something else: a name within a value of type regclass.
        if (attempt === attempts && !this.#replacement && sqlState(thrown) !== schemaChangedState)
          throw session.classified(thrown);
        if (isWithin || attempt === attempts) throw schemaChanged(quoteName(name), { cause: thrown });
      }
    }
  }

  /** The written table is as it was when claimed or created, and stays so until the end of the transaction (Invariant 11). */
  get #requireShapeSql(): string {
    const { commits, shape } = this.#init;
    return `${commits.requireSql}; ${this.#replacement?.requireSql ?? shape.requireSql()}`;
  }
}

function isMisfit(thrown: unknown): boolean {
  return thrown instanceof IdraError && thrown.code === 'ValueNotKept';
}
