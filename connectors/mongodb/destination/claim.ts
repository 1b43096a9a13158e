import type { ClientSession } from 'mongodb';
import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, PassStart, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { IdraError, schemaChanged } from '../../../core/errors.ts';
import { decodeStored, encodeOffset, type Offset } from '../../../core/offset.ts';
import { offsetMovedInPass } from '../../../core/offset-moved.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { refusedRow } from '../../sql/destination/refused-row.ts';
import { replaceCountDiffers, shadowMissing, startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import { findCollection } from '../describe.ts';
import type { Session } from '../session.ts';
import { type EncodedRows, encodeRows } from '../types/row-encoder.ts';
import {
  isDuplicate,
  lastChanges,
  misfitsOf,
  putRows,
  type RowRejection,
  type WriteStrategy,
  type Written,
} from './batch-writer.ts';
import { type Advance, type CommitRows, type Holding, newAttempt, type StoredCommit } from './commit-rows.ts';
import type { IdForm } from './document-keys.ts';
import { refusedRows, sameDocuments } from './refused-rows.ts';
import { countShadow, createShadow, dropShadow, newShadowName, swapShadow, takeShadow } from './replace.ts';
import type { WriteTransactions } from './write-transaction.ts';

export interface ClaimedCollectionInit {
  readonly session: Session;
  readonly commits: CommitRows;
  readonly collection: string;
  readonly request: ClaimRequest;
  /** Undefined: a server without transactions. */
  readonly transactions: WriteTransactions | undefined;
  readonly stored: StoredCommit;
  readonly form: IdForm;
  /** Identity of the collection; undefined if the server has none. */
  readonly target: string | undefined;
  readonly wasEmpty: boolean;
}

/** Rows were refused, so that the transaction must not be committed. */
class RowsRefused extends Error {
  readonly rejections: readonly RowRejection[];

  constructor(rejections: readonly RowRejection[]) {
    super('rows were refused');
    this.rejections = rejections;
  }
}

const nothing: Written = { written: 0, deleted: 0, inserted: 0, rejections: [] };

/** Passes and batches under one claim. */
export class ClaimedCollection {
  readonly #init: ClaimedCollectionInit;
  #holding: Holding;
  #totalRows: number;
  #target: string | undefined;
  #shadow: { readonly name: string; rows: number } | undefined;
  #oldShadow: string | undefined;
  /** Upsert: whether inserting may still be tried. */
  #canInsert = true;
  /** Uncommitted rows, if the whole pass is one transaction. */
  #openRows: number | undefined;

  constructor(init: ClaimedCollectionInit) {
    this.#init = init;
    const { token, session, attempt, offset, rows, shadow } = init.stored;
    this.#holding = { token, session: session ?? '', attempt, offset };
    this.#totalRows = Number(rows);
    this.#target = init.target;
    this.#oldShadow = shadow ?? undefined;
  }

  /** Identity of the collection that is written now. */
  get target(): string | undefined {
    return this.#target;
  }

  /** A user changed the offset under this claim. */
  offsetIs({ offset, attempt }: Pick<Holding, 'offset' | 'attempt'>): void {
    this.#holding = { ...this.#holding, offset, attempt };
  }

  async end(): Promise<void> {
    await this.#init.transactions?.end();
  }

  async beginPass({ isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    const { transactions, request } = this.#init;
    await transactions?.abort();
    this.#openRows = undefined;
    await this.#guarded(async () => {
      if (request.plan.writeMode === 'Replace') return await this.#beginShadow(isResumed && !isAtomic);
      if (!isAtomic || !transactions) return;
      transactions.begin();
      this.#openRows = 0;
    }, signal);
  }

  async #beginShadow(isResumed: boolean): Promise<void> {
    const { session, collection, request, commits, form } = this.#init;
    const { plan } = request;
    const before = this.#shadow?.name ?? this.#oldShadow;
    const stored = await commits.find(plan.uid);
    const name = newShadowName(plan.uid, collection);
    const rows = isResumed ? Number(stored?.shadowRows ?? 0) : 0;
    await this.#advance({ written: 0, shadow: { name, rows } }, undefined, this.#holding.offset);
    this.#shadow = { name, rows };
    this.#oldShadow = name;
    if (isResumed) {
      if (before === undefined || !(await takeShadow(session, before, name))) throw shadowMissing(collection);
      return;
    }
    if (before !== undefined) await dropShadow(session, before);
    await createShadow(session, name, collection, { plan, form });
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { request, form, transactions } = this.#init;
    const { plan } = request;
    const rows = encodeRows(batch.rows, { plan, form, isRepeatable: !transactions });
    return await this.#guarded(async () => {
      const misfits = misfitsOf(rows, plan, this.#hasKeys);
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
      else await this.#committed(async (client) => void (await this.#requireTarget(client)), stored, () => 0);
      return this.#result(nothing);
    }, signal);
  }

  /** One batch in one transaction, again with another strategy or without rows that are refused. */
  async #writeBatch(rows: EncodedRows, offset: Offset, misfits: readonly RowRejection[]): Promise<WriteResult> {
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
          this.#isKeepingOffset ? this.#storable(offset) : this.#holding.offset,
          (result) => result.written + replaced,
        );
        const all = [...rejections, ...put.rejections];
        return this.#result({ ...put, written: put.written + replaced, rejections: all });
      } catch (thrown) {
        if (!(thrown instanceof RowsRefused)) throw thrown;
        // A later owner may have written the rows.
        await this.#requireHeld();
        const isKnown = plan.writeMode !== 'Append' && strategy === 'insert' && thrown.rejections.some(isDuplicate);
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

  async #put(rows: EncodedRows, indexes: readonly number[], strategy: WriteStrategy, client: ClientSession | undefined): Promise<Written> {
    const { session, request } = this.#init;
    if (!client) await this.#requireHeld();
    await this.#requireTarget(client);
    const target = { session, collection: this.#into, client };
    const put = await putRows(target, rows, indexes, { strategy, plan: request.plan });
    if (put.rejections.length === 0) return put;
    if (client) throw new RowsRefused(put.rejections);
    const same = await sameDocuments(session, this.#into, rows, put.rejections);
    const rejections = put.rejections.filter(({ index }) => !same.has(index));
    const isAll = request.plan.onError !== 'Stop' && !rejections.some((each) => strategy === 'insert' && request.plan.writeMode !== 'Append' && isDuplicate(each));
    if (rejections.length > 0 && !isAll) throw new RowsRefused(rejections);
    return { ...put, written: put.written + same.size, rejections };
  }

  /** Within the one transaction of the pass. */
  async #writeOpen(rows: EncodedRows, misfits: readonly RowRejection[], before: number): Promise<WriteResult> {
    const { request, session, transactions } = this.#init;
    const strategy: WriteStrategy = request.plan.writeMode === 'Append' ? 'insert' : 'upsert';
    const skipped = new Set(misfits.map(({ index }) => index));
    const target = { session, collection: this.#into, client: transactions?.client };
    const put = await putRows(target, rows, lastChanges(rows, this.#hasKeys, skipped), { strategy, plan: request.plan });
    const [first] = put.rejections;
    if (first) throw refusedRow(first, this.#name);
    this.#openRows = before + put.written;
    const total = this.#totalRows + this.#openRows;
    return { written: put.written, deleted: put.deleted, rejected: misfits.length, rejections: misfits, totalRows: total };
  }

  async #commitOpen(rows: number, offset: string | null): Promise<void> {
    const { transactions } = this.#init;
    if (!transactions) return;
    await this.#requireTarget(transactions.client);
    const attempt = newAttempt();
    const stored = await this.#advance({ written: rows, attempt }, transactions.client, offset, false);
    const isCommitted = await transactions.commit(() => this.#isStored(attempt));
    this.#openRows = undefined;
    if (!isCommitted) throw schemaChanged(this.#name, { what: 'another transaction was in the way of the pass' });
    this.#store(stored);
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
      stored = await this.#advance({ written: written(result), attempt, ...shadowRows(result) }, client, offset, false);
      return result;
    };
    if (!transactions) await reach('commit:before');
    const result = transactions
      ? await transactions.run(() => run(transactions.client), () => this.#isStored(attempt))
      : await run(undefined);
    if (this.#shadow) this.#shadow.rows = shadowRows(result)?.shadow.rows ?? this.#shadow.rows;
    if (stored) this.#store(stored);
    return result;
  }

  /** Throws if the document is not that of this claim any more. */
  async #advance(
    change: Omit<Advance, 'offset' | 'attempt'> & { readonly attempt?: string },
    client: ClientSession | undefined,
    offset: string | null,
    isFinal = true,
  ): Promise<StoredCommit> {
    const { commits, request } = this.#init;
    const attempt = change.attempt ?? newAttempt();
    const stored = await commits.advance(request.plan.uid, this.#holding, { ...change, offset, attempt }, client);
    if (!stored) throw await this.#notHeld();
    if (isFinal) this.#store(stored);
    return stored;
  }

  #store({ attempt, offset, rows }: StoredCommit): void {
    this.#holding = { ...this.#holding, attempt, offset };
    this.#totalRows = Number(rows);
  }

  async #isStored(attempt: string): Promise<boolean> {
    const found = await this.#init.commits.find(this.#init.request.plan.uid);
    return found?.attempt === attempt;
  }

  async #requireHeld(): Promise<void> {
    const found = await this.#init.commits.find(this.#init.request.plan.uid);
    const { token, session, attempt, offset } = this.#holding;
    const isHeld = found && !found.closed && found.token === token && found.session === session;
    if (!isHeld || found.attempt !== attempt || found.offset !== offset) throw await this.#notHeld();
  }

  async #notHeld(): Promise<Error> {
    const { transactions, commits, request, collection } = this.#init;
    await transactions?.abort();
    const found = await commits.find(request.plan.uid);
    const { token, session } = this.#holding;
    const isOurs = found && !found.closed && found.token === token && found.session === session;
    return isOurs ? offsetMovedInPass(collection) : writeIsFenced(token);
  }

  /** Asked after the first write of a transaction, a collection stays what it is until the transaction ends. */
  async #requireTarget(_client: ClientSession | undefined): Promise<void> {
    const { session, collection } = this.#init;
    const found = await findCollection(session, collection);
    if (!found) throw schemaChanged(collection, { what: 'it no longer exists' });
    if (found.identity !== this.#target) throw schemaChanged(collection, { what: 'it is another collection of the same name' });
  }

  async #swap(shadow: { readonly name: string; readonly rows: number }, offset: string | null): Promise<void> {
    const { session, collection, transactions } = this.#init;
    await this.#requireTarget(undefined);
    const found = await countShadow(session, shadow.name);
    if (found === undefined) throw shadowMissing(collection);
    if (found !== shadow.rows) throw replaceCountDiffers(collection, found, shadow.rows);
    const identity = (await findCollection(session, shadow.name))?.identity;
    const change = { written: 0, shadow: { name: null, rows: 0 }, target: identity };
    const attempt = newAttempt();
    transactions?.begin();
    // While this is not committed, no claimant can store another token.
    const stored = await this.#advance({ ...change, attempt }, transactions?.client, offset, false);
    await reach('commit:before');
    if (!(await swapShadow(session, shadow.name, collection))) {
      await transactions?.abort();
      throw shadowMissing(collection);
    }
    if (transactions && !(await transactions.commit(() => this.#isStored(attempt)))) throw writeIsFenced(this.#holding.token);
    this.#store(stored);
    this.#shadow = undefined;
    this.#oldShadow = undefined;
    this.#target = identity;
  }

  /** Without its shadow a pass has written nothing: the offset is where it began. */
  async #startPassOver(): Promise<void> {
    const start = startOfPass(this.#holding.offset);
    this.#shadow = undefined;
    if (!this.#init.request.keepsOffset || start === this.#holding.offset) return;
    await this.#advance({ written: 0 }, undefined, encodedOrNull(start));
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

  /** A Replace pass that cannot be resumed stores its offset only at its end. */
  get #isKeepingOffset(): boolean {
    return this.#init.request.keepsOffset;
  }

  #storable(offset: Offset | null): string | null {
    if (!this.#init.request.keepsOffset) return null;
    return offset && encodeOffset(offset);
  }

  #result({ written, deleted, rejections }: Written): WriteResult {
    return { written, deleted, rejected: rejections.length, rejections, totalRows: this.#totalRows };
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
