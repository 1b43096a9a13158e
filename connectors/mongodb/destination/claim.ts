import type { ClientSession } from 'mongodb';
import type { Batch } from '../../../core/batch.ts';
import type { PassStart, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { IdraError, schemaChanged } from '../../../core/errors.ts';
import { decodeStored, encodeOffset, type Offset } from '../../../core/offset.ts';
import { refusedRow } from '../../sql/destination/refused-row.ts';
import { startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import { findCollection } from '../describe.ts';
import { encodeRows } from '../types/encoded-rows.ts';
import type { EncodedRows } from '../types/row-encoder.ts';
import {
  isDuplicate,
  lastChanges,
  misfitsOf,
  putRows,
  type RowRejection,
  type WriteStrategy,
  type Written,
} from './batch-writer.ts';
import { type Holding, newAttempt, type StoredCommit } from './commit-rows.ts';
import { type Change, type ClaimInit, HeldCommit } from './held-commit.ts';
import { RowsRefused, refusedRows, sameDocuments } from './refused-rows.ts';
import { ShadowPass } from './replace.ts';

const nothing: Written = { written: 0, deleted: 0, inserted: 0, rejections: [] };

/** Passes and batches under one claim. */
export class ClaimedCollection {
  readonly #init: ClaimInit;
  readonly #held: HeldCommit;
  #target: string | undefined;
  #shadow: ShadowPass | undefined;
  #oldShadow: string | undefined;
  /** Upsert: whether inserting may still be tried. */
  #canInsert = true;
  /** Uncommitted rows, if the whole pass is one transaction. */
  #openRows: number | undefined;

  constructor(init: ClaimInit) {
    this.#init = init;
    this.#held = new HeldCommit({ ...init, uid: init.request.plan.uid });
    this.#target = init.target;
    this.#oldShadow = init.stored.shadow ?? undefined;
  }

  /** Identity of the collection that is written now. */
  get target(): string | undefined {
    return this.#target;
  }

  /** A user changed the offset under this claim. */
  offsetIs({ offset, attempt }: Pick<Holding, 'offset' | 'attempt'>): void {
    this.#held.offsetIs({ offset, attempt });
  }

  async end(): Promise<void> {
    await this.#init.transactions?.end();
  }

  async beginPass({ isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    const { transactions, request } = this.#init;
    await transactions?.abort();
    this.#openRows = undefined;
    this.#held.passBegins();
    await this.#guarded(async () => {
      if (request.plan.writeMode === 'Replace') return await this.#beginShadow(isResumed && !isAtomic);
      if (!isAtomic || !transactions) return;
      transactions.begin();
      this.#openRows = 0;
    }, signal);
  }

  async #beginShadow(isResumed: boolean): Promise<void> {
    const before = this.#shadow?.name ?? this.#oldShadow;
    this.#shadow = undefined;
    const begin = { init: this.#init, held: this.#held, before };
    // Its name is stored before it is used, and an interrupted beginning leaves it to the next one.
    this.#shadow = await ShadowPass.begin(begin, isResumed, (name) => {
      this.#oldShadow = name;
    });
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { request, form, transactions } = this.#init;
    const { plan } = request;
    const repeatedFrom = transactions ? {} : { repeatedFrom: this.#held.beginOfBatch() };
    const rows = encodeRows(batch.rows, { plan, form, ...repeatedFrom });
    return await this.#guarded(async () => {
      const misfits = misfitsOf(rows, {
        plan,
        hasKeys: this.#hasKeys,
        strategy: this.#strategyOf(batch.offset),
        maxDocumentBytes: this.#init.session.facts.maxDocumentBytes,
      });
      const [first] = misfits;
      if (first && plan.onError === 'Stop') throw refusedRow(first, this.#name);
      if (this.#openRows !== undefined) return await this.#writeOpen(rows, misfits, this.#openRows);
      return await this.#writeBatch(rows, batch.offset, misfits);
    }, signal);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await this.#guarded(async () => {
      const stored = this.#storable(offset);
      if (this.#shadow) await this.#swap(this.#shadow, stored);
      else if (this.#openRows !== undefined) await this.#commitOpen(this.#openRows, stored);
      else
        await this.#committed(
          async () => void (await this.#requireTarget()),
          stored,
          () => 0,
        );
      return this.#result(nothing);
    }, signal);
  }

  /** One batch in one transaction, again with another strategy or without rows that are refused. */
  async #writeBatch(
    rows: EncodedRows,
    offset: Offset,
    misfits: readonly RowRejection[],
  ): Promise<WriteResult> {
    const { plan } = this.#init.request;
    const rejections = [...misfits];
    let strategy = this.#strategyOf(offset);
    for (;;) {
      const skipped = new Set(rejections.map(({ index }) => index));
      const indexes = lastChanges(rows, this.#hasKeys, skipped);
      // Rows that a later one of the same key replaces count as written.
      const replaced = rows.count - skipped.size - indexes.length;
      try {
        const put = await this.#committed(
          async (client) => await this.#put(rows, indexes, strategy, client),
          this.#storable(offset),
          (result) => result.written + replaced,
        );
        const all = [...rejections, ...put.rejections];
        return this.#result({ ...put, written: put.written + replaced, rejections: all });
      } catch (thrown) {
        if (!(thrown instanceof RowsRefused)) throw thrown;
        // A later owner may have written the rows.
        await this.#held.require();
        const isKnown =
          plan.writeMode !== 'Append' && strategy === 'insert' && thrown.rejections.some(isDuplicate);
        if (isKnown) {
          this.#canInsert = false;
          strategy = 'upsert';
          continue;
        }
        const [first] = thrown.rejections;
        if (plan.onError === 'Stop' && first) throw refusedRow(first, this.#name);
        rejections.push(...(await this.#allRefused(rows, indexes, strategy, thrown.rejections)));
      }
    }
  }

  async #allRefused(
    rows: EncodedRows,
    indexes: readonly number[],
    strategy: WriteStrategy,
    known: readonly RowRejection[],
  ): Promise<readonly RowRejection[]> {
    const { transactions, session, request } = this.#init;
    if (!transactions) return known;
    const target = { session, collection: this.#into, client: transactions.client };
    const found = await refusedRows(transactions, target, rows, indexes, { strategy, plan: request.plan });
    // What only the whole batch refuses, such as two rows of one value of a unique index, is found one by one.
    return found.length > 0 ? found : known;
  }

  async #put(
    rows: EncodedRows,
    indexes: readonly number[],
    strategy: WriteStrategy,
    client: ClientSession | undefined,
  ): Promise<Written> {
    const { session, request } = this.#init;
    if (!client) await this.#held.require();
    if (!client) await this.#requireTarget();
    const target = { session, collection: this.#into, client };
    const put = await putRows(target, rows, indexes, { strategy, plan: request.plan });
    if (client) await this.#requireTarget();
    if (put.rejections.length === 0) return put;
    if (client) throw new RowsRefused(put.rejections);
    const same = await sameDocuments(session, this.#into, rows, put.rejections);
    const rejections = put.rejections.filter(({ index }) => !same.has(index));
    const isAll =
      request.plan.onError !== 'Stop' &&
      !rejections.some(
        (each) => strategy === 'insert' && request.plan.writeMode !== 'Append' && isDuplicate(each),
      );
    if (rejections.length > 0 && !isAll) throw new RowsRefused(rejections);
    return { ...put, written: put.written + same.size, rejections };
  }

  /** Within the one transaction of the pass. */
  async #writeOpen(
    rows: EncodedRows,
    misfits: readonly RowRejection[],
    before: number,
  ): Promise<WriteResult> {
    const { request, session, transactions } = this.#init;
    const strategy: WriteStrategy = request.plan.writeMode === 'Append' ? 'insert' : 'upsert';
    const skipped = new Set(misfits.map(({ index }) => index));
    const target = { session, collection: this.#into, client: transactions?.client };
    const put = await putRows(target, rows, lastChanges(rows, this.#hasKeys, skipped), {
      strategy,
      plan: request.plan,
    });
    const [first] = put.rejections;
    if (first) throw refusedRow(first, this.#name);
    this.#openRows = before + put.written;
    const total = this.#held.totalRows + this.#openRows;
    return {
      written: put.written,
      deleted: put.deleted,
      rejected: misfits.length,
      rejections: misfits,
      totalRows: total,
    };
  }

  async #commitOpen(rows: number, offset: string | null): Promise<void> {
    const { transactions } = this.#init;
    if (!transactions) return;
    await this.#requireTarget();
    const attempt = newAttempt();
    const stored = await this.#held.advance({ written: rows, attempt }, offset, transactions.client);
    const isCommitted = await transactions.commit(() => this.#held.isStored(attempt));
    this.#openRows = undefined;
    if (!isCommitted)
      throw schemaChanged(this.#name, { what: 'another transaction was in the way of the pass' });
    this.#held.committed(stored);
  }

  /**
   * Runs `work`, then stores offset and count if the document in `_idra_commits` is still ours, all in one transaction: a claimant changes the
   * same document, so one of the two fails. Without transactions the check comes before and after the rows.
   */
  async #committed<T>(
    work: (client: ClientSession | undefined) => Promise<T>,
    offset: string | null,
    written: (result: T) => number,
  ): Promise<T> {
    const { transactions } = this.#init;
    const shadowRows = (result: T) => {
      const inserted = (result as { readonly inserted?: number } | undefined)?.inserted ?? 0;
      return this.#shadow && { shadow: { name: this.#shadow.name, rows: this.#shadow.rows + inserted } };
    };
    let attempt = newAttempt();
    let stored: StoredCommit | undefined;
    const run = async (client: ClientSession | undefined): Promise<T> => {
      const result = await work(client);
      attempt = newAttempt();
      const change = { written: written(result), attempt, ...shadowRows(result) };
      stored = await this.#held.advance(change, offset, client);
      return result;
    };
    if (!transactions) await reach('commit:before');
    const result = transactions
      ? await transactions.run(
          () => run(transactions.client),
          () => this.#held.isStored(attempt),
        )
      : await run(undefined);
    if (this.#shadow) this.#shadow.rows = shadowRows(result)?.shadow.rows ?? this.#shadow.rows;
    if (stored) this.#held.committed(stored);
    return result;
  }

  /** Outside of a transaction. */
  async #advance(change: Change, offset: string | null): Promise<void> {
    this.#held.committed(await this.#held.advance(change, offset, undefined));
  }

  /** Asked after the first write of a transaction, the collection stays what it is until the transaction ends. */
  async #requireTarget(): Promise<void> {
    const { session, collection } = this.#init;
    const found = await findCollection(session, collection);
    if (!found) throw schemaChanged(collection, { what: 'it no longer exists' });
    if (found.identity !== this.#target)
      throw schemaChanged(collection, { what: 'it is another collection of the same name' });
  }

  async #swap(shadow: ShadowPass, offset: string | null): Promise<void> {
    await this.#requireTarget();
    this.#target = await shadow.swap(offset);
    this.#shadow = undefined;
    this.#oldShadow = undefined;
  }

  /** Without its shadow a pass has written nothing: the offset is where it began. */
  async #startPassOver(): Promise<void> {
    const start = startOfPass(this.#held.offset);
    this.#shadow = undefined;
    if (!this.#init.request.keepsOffset || start === this.#held.offset) return;
    await this.#advance({ written: 0 }, encodedOrNull(start));
  }

  #strategyOf({ mode, ...offset }: Offset): WriteStrategy {
    const { wasEmpty, request } = this.#init;
    if (request.plan.writeMode === 'Append') return 'insert';
    const isFirst = mode === 'Snapshot' && 'pass' in offset && offset.pass === 1;
    return this.#canInsert && (wasEmpty || this.#shadow || mode === 'Id' || isFirst) ? 'insert' : 'upsert';
  }

  get #hasKeys(): boolean {
    const { request, form } = this.#init;
    return request.plan.writeMode !== 'Append' && form !== 'generated' && request.plan.key.length > 0;
  }

  get #into(): string {
    return this.#shadow?.name ?? this.#init.collection;
  }

  get #name(): string {
    return `${this.#init.collection} of ${this.#init.session.where}`;
  }

  #storable(offset: Offset | null): string | null {
    if (!this.#init.request.keepsOffset) return null;
    return offset && encodeOffset(offset);
  }

  #result({ written, deleted, rejections }: Written): WriteResult {
    return { written, deleted, rejected: rejections.length, rejections, totalRows: this.#held.totalRows };
  }

  /** Undoes what fails, and throws it as an IdraError. */
  async #guarded<T>(body: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { session, transactions } = this.#init;
    try {
      return await session.abortable(body, signal);
    } catch (thrown) {
      this.#openRows = undefined;
      await transactions?.abort();
      signal.throwIfAborted();
      if (startsOver(thrown)) await session.guard(() => this.#startPassOver(), signal);
      throw thrown instanceof IdraError ? thrown : session.classified(thrown);
    }
  }
}

function encodedOrNull(offset: string | null): string | null {
  const decoded = decodeStored(offset);
  return decoded && encodeOffset(decoded);
}
