import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, PassStart, Rejection, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { schemaChanged } from '../../../core/errors.ts';
import { lastChanges } from '../../../core/last-changes.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import type { Token } from '../../../core/token.ts';
import { startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import type { Result } from '../connection/statements.ts';
import { asRowError, classify, numberOf } from '../errors.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import type { BatchWriter } from './batch-writer.ts';
import { noRows, RowEncoder, valuesOf } from './bulk-load.ts';
import type { CommitChange, CommitRows } from './commit-rows.ts';
import { deletedRows, encodeDeletions } from './deletions.ts';
import type { Replacement } from './replace.ts';
import { shapeDiffers, type TargetShape } from './target-shape.ts';

export interface ClaimedTableInit {
  readonly session: Session;
  readonly commits: CommitRows;
  /** The table and its system, for messages. */
  readonly where: string;
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly columns: readonly LoadColumn[];
  readonly writer: BatchWriter;
  readonly target: TargetShape;
  readonly replacement: Replacement | undefined;
  /** The offset that was stored when the table was claimed. */
  readonly offset: string | null;
  readonly totalRows: number;
}

interface Applied {
  readonly rejections: readonly Rejection[];
  readonly deleted: number;
}

const nothingApplied: Applied = { rejections: [], deleted: 0 };

/** Attempts in a row when another transaction changes the table in a way that does not affect the plan. */
const attempts = 5;

/**
 * Passes and batches under one claim, on its session: if the session is lost, so is the claim. A transaction is one batch of statements,
 * from BEGIN to COMMIT, so that an owner that stops leaves none open.
 */
export class ClaimedTable {
  readonly #init: ClaimedTableInit;
  #writer: BatchWriter;
  #target: TargetShape;
  #totalRows: number;
  /** The stored offset: the last one that this claim wrote. */
  #offset: string | null;
  /** The whole pass is one transaction: its rows wait in the staging table until the end. */
  #isAtomic = false;

  constructor(init: ClaimedTableInit) {
    this.#init = init;
    this.#writer = init.writer;
    this.#target = init.target;
    this.#totalRows = init.totalRows;
    this.#offset = init.offset;
  }

  /** Sets an offset that a user changed, under this claim. */
  offsetIs(offset: string | null): void {
    this.#offset = offset;
  }

  async beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    const { session, replacement } = this.#init;
    this.#isAtomic = pass.isAtomic && !replacement;
    this.#writer.empty();
    if (!replacement) return;
    const { writer, shape } = await replacement
      .begin(pass.isResumed, signal)
      .catch((thrown: unknown) => session.guard(() => this.#startPassOver(thrown), signal));
    this.#writer = writer;
    this.#target = shape;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { session, request, columns, where, replacement } = this.#init;
    return await session.guard(async () => {
      const input = { plan: request.plan, columns, where };
      const { upserts, deletions } = lastChanges(batch, request.plan);
      if (!this.#isAtomic) this.#writer.empty();
      const [before, next] = [this.#writer.staged, this.#writer.next];
      const removed = deletions.length > 0 ? encodeDeletions(deletions, input, next) : noRows;
      const put = new RowEncoder(valuesOf(upserts.rows), input, next + removed.count);
      const refused = await this.#writer.stage(removed, put);
      const applied = this.#isAtomic ? nothingApplied : await this.#put(batch.offset);
      const all = [...removed.rejections, ...put.rejections, ...refused, ...applied.rejections];
      const written = this.#writer.staged - before;
      if (!this.#isAtomic) {
        this.#writer.empty();
        replacement?.count(written);
        this.#totalRows += written;
      }
      const totalRows = this.#totalRows + (this.#isAtomic ? this.#writer.staged : 0);
      const { deleted } = applied;
      return { written, rejected: all.length, rejections: all, deleted, totalRows };
    }, signal);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const { session, replacement } = this.#init;
    const rejections = await session.guard(async () => {
      try {
        if (!replacement) return (await this.#put(offset)).rejections;
        await replacement.finish(this.#change(offset, 0), signal);
        this.#offset = this.#change(offset, 0).offset?.to ?? null;
        return [];
      } catch (thrown) {
        return await this.#startPassOver(thrown);
      }
    }, signal);
    if (this.#isAtomic) this.#totalRows += this.#writer.staged;
    this.#isAtomic = false;
    this.#writer.empty();
    return {
      written: 0 - rejections.length,
      rejected: rejections.length,
      rejections,
      deleted: 0,
      totalRows: this.#totalRows,
    };
  }

  /** Applies what is staged and commits, without what the table has refused. */
  async #put(offset: Offset | null): Promise<Applied> {
    const rejections: Rejection[] = [];
    for (let attempt = 1; ; ) {
      try {
        return { rejections, deleted: await this.#commit(offset) };
      } catch (thrown) {
        if (!this.#init.session.isLost && numberOf(thrown) !== undefined) await this.#init.session.rollBack();
        const error = asRowError(thrown);
        if (error) {
          const { session, commits, request, token } = this.#init;
          await commits.requireHeld(session, request.plan.uid, token);
          await this.#target.requireStill(session);
          rejections.push(...(await this.#writer.findRefused(error)));
        } else {
          await this.#requireStill(thrown);
          if (attempt === attempts) throw schemaChanged(this.#target.relation.name);
          attempt += 1;
        }
      }
    }
  }

  /** Throws SchemaChanged if a changed table is the cause; returns if the table only seemed to be changed. */
  async #requireStill(thrown: unknown): Promise<void> {
    const { session } = this.#init;
    const isOfShape = thrown instanceof ShapeDiffers;
    const mayBe = numberOf(thrown) !== undefined && classify(thrown, '').disposition === 'permanent';
    if (isOfShape || mayBe) await this.#target.requireStill(session);
    if (!isOfShape) throw thrown;
  }

  /** Returns the number of rows deleted or marked. */
  async #commit(offset: Offset | null): Promise<number> {
    const { session, commits, request, token } = this.#init;
    const { uid } = request.plan;
    const change = this.#change(offset, this.#writer.staged);
    const merge = this.#writer.isEmpty ? [] : [this.#writer.mergeSql];
    const { requireSql } = this.#target;
    await reach('commit:before');
    const results = await session.run(
      [
        'BEGIN TRANSACTION',
        ...merge,
        // After the rows, which hold the table: it stays as it is now until COMMIT.
        requireSql,
        commits.commitStatements(session, uid, token, change),
      ].join(';\n'),
    );
    requireShapeHeld(results);
    await commits.requireCommitted(session, results, { uid, token });
    if (change.offset) this.#offset = change.offset.to;
    return deletedRows(results);
  }

  /** Stores that the pass starts over, if this error says so, and throws the error. */
  async #startPassOver(thrown: unknown): Promise<never> {
    const { session, commits, request, token } = this.#init;
    const start = startOfPass(this.#offset);
    if (!startsOver(thrown) || start === this.#offset) throw thrown;
    const { uid } = request.plan;
    const change = { addedRows: 0, offset: { from: this.#offset, to: start } };
    const results = await session.run(
      `BEGIN TRANSACTION;\n${commits.commitStatements(session, uid, token, change)}`,
    );
    await commits.requireCommitted(session, results, { uid, token });
    this.#offset = start;
    throw thrown;
  }

  #change(offset: Offset | null, addedRows: number): CommitChange {
    const to = offset === null ? null : encodeOffset(offset);
    const { keepsOffset } = this.#init.request;
    return { addedRows, offset: keepsOffset ? { from: this.#offset, to } : undefined };
  }
}

class ShapeDiffers extends Error {}

function requireShapeHeld(results: readonly Result[]): void {
  if (Number(results.at(-1)?.rows.at(-1)?.[0]) === shapeDiffers) throw new ShapeDiffers();
}
