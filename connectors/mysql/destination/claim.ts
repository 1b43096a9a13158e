import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, PassStart, WritePlan, WriteResult } from '../../../core/connector.ts';
import { counted } from '../../../core/counted.ts';
import { reach } from '../../../core/crash-points.ts';
import { bug, permanent } from '../../../core/errors.ts';
import { lastChanges } from '../../../core/last-changes.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import type { Token } from '../../../core/token.ts';
import type { Row } from '../../../core/values.ts';
import { startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import type { BatchWriter } from './batch-writer.ts';
import { toLines } from './bulk-load.ts';
import type { CommitChange, CommitRows } from './commit-rows.ts';
import type { Deleted, Deletions } from './deletions.ts';
import type { Replacement } from './replace.ts';
import type { WriteTransaction } from './write-transaction.ts';

export interface ClaimedTableInit {
  readonly session: Session;
  readonly commits: CommitRows;
  /** The table and its system, for messages. */
  readonly where: string;
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly columns: readonly LoadColumn[];
  readonly writer: BatchWriter;
  /** Undefined: there are none. */
  readonly deletions: Deletions | undefined;
  readonly transaction: WriteTransaction;
  readonly replacement: Replacement | undefined;
  /** The offset that was stored when the table was claimed. */
  readonly offset: string | null;
  readonly totalRows: number;
}

/** Passes and batches under one claim, on its session: if the session is lost, so is the claim. */
export class ClaimedTable {
  readonly #init: ClaimedTableInit;
  #writer: BatchWriter;
  #transaction: WriteTransaction;
  #totalRows: number;
  /** The stored offset: the last one that this claim wrote. */
  #offset: string | null;
  /** The whole pass is one transaction: nothing is committed before its end. */
  #isAtomic = false;
  /** Rows written but not yet counted in the commit row. */
  #pendingRows = 0;

  constructor(init: ClaimedTableInit) {
    this.#init = init;
    this.#writer = init.writer;
    this.#transaction = init.transaction;
    this.#totalRows = init.totalRows;
    this.#offset = init.offset;
  }

  /** Sets an offset that a user changed, under this claim. */
  offsetIs(offset: string | null): void {
    this.#offset = offset;
  }

  async beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    const { session, replacement } = this.#init;
    await this.#rollBack();
    this.#isAtomic = pass.isAtomic && !replacement;
    if (!replacement) return;
    const { writer, transaction } = await replacement
      .begin(pass.isResumed, signal)
      .catch((thrown: unknown) => session.guard(() => this.#startPassOver(thrown), signal));
    this.#writer = writer;
    this.#transaction = transaction;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { session, request, columns, where, replacement } = this.#init;
    return await session.guard(async () => {
      try {
        const { upserts, deletions } = lastChanges(batch, request.plan);
        const removed = await this.#delete(deletions);
        const { lines, rejections } = toLines(upserts, { plan: request.plan, columns, where });
        const written = await this.#writer.write(lines);
        if (replacement && written.replaced > 0) throw rowsCollapse(written.replaced, where, request.plan);
        replacement?.count(lines.count - written.rejections.length);
        const refused = [...rejections, ...written.rejections];
        const rows = upserts.rowCount - refused.length;
        this.#pendingRows += rows;
        this.#totalRows += rows;
        if (!this.#isAtomic) await this.#commit(batch.offset);
        const all = [...removed.rejections, ...refused];
        const { deleted } = removed;
        return { written: rows, rejected: all.length, rejections: all, deleted, totalRows: this.#totalRows };
      } catch (thrown) {
        await this.#rollBack();
        throw thrown;
      }
    }, signal);
  }

  async #delete(rows: readonly Row[]): Promise<Deleted> {
    const { deletions } = this.#init;
    if (rows.length === 0) return { deleted: 0, rejections: [] };
    if (!deletions) throw bug('a batch has deletions, and its plan has none');
    return await deletions.apply(rows);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const { session, replacement } = this.#init;
    await session.guard(async () => {
      try {
        if (replacement) await replacement.finish(this.#change(offset), signal);
        else await this.#commit(offset);
        this.#offset = this.#change(offset).offset?.to ?? null;
      } catch (thrown) {
        await this.#rollBack();
        await this.#startPassOver(thrown);
      }
    }, signal);
    this.#isAtomic = false;
    return { written: 0, rejected: 0, rejections: [], deleted: 0, totalRows: this.#totalRows };
  }

  /** Stores that the pass starts over, if this error says so, and throws the error. */
  async #startPassOver(thrown: unknown): Promise<never> {
    const { session, commits, request, token } = this.#init;
    const start = startOfPass(this.#offset);
    if (!startsOver(thrown) || start === this.#offset) throw thrown;
    const { uid } = request.plan;
    const change = { addedRows: 0, offset: { from: this.#offset, to: start } };
    const statements = `START TRANSACTION; ${commits.commitStatements(uid, token, change)}`;
    await commits.commit(session, statements, { uid, token });
    this.#offset = start;
    throw thrown;
  }

  async close(): Promise<void> {
    await this.#init.replacement?.close();
  }

  /** Stores offset and token and commits: after each batch, or only at the end of an atomic pass. */
  async #commit(offset: Offset | null): Promise<void> {
    const { session, commits, request, token } = this.#init;
    const { uid } = request.plan;
    const transaction = this.#transaction;
    if (!transaction.isOpen) await transaction.run([]);
    const change = this.#change(offset);
    const statements = commits.commitStatements(uid, token, change);
    await reach('commit:before');
    await commits.commit(session, statements, { uid, token }, (sql) => transaction.commit(sql));
    if (change.offset) this.#offset = change.offset.to;
    this.#pendingRows = 0;
  }

  #change(offset: Offset | null): CommitChange {
    const to = offset === null ? null : encodeOffset(offset);
    const { keepsOffset } = this.#init.request;
    return { addedRows: this.#pendingRows, offset: keepsOffset ? { from: this.#offset, to } : undefined };
  }

  async #rollBack(): Promise<void> {
    this.#totalRows -= this.#pendingRows;
    this.#pendingRows = 0;
    await this.#transaction.rollBack();
  }
}

/** A pass never reads a key twice, so these rows differ at the source but would become one row here. */
function rowsCollapse(count: number, where: string, { key }: WritePlan): Error {
  return permanent(
    'KeyNotUnique',
    `${counted(count, 'row')} of a batch ${count === 1 ? 'has' : 'have'} the same key (${key.join(', ')}) as other rows of this pass into ${where} and would overwrite them`,
    {
      path: 'spec.destination.key',
      fix: 'set destination.key to columns that identify a row at the source',
    },
  );
}
