import type { Clock } from '../../core/clock.ts';
import { fenced, Stopped } from '../../core/errors.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../../core/status.ts';
import { noProgress, type OffsetMirror, type SyncLock, type SyncProgress } from '../../core/sync-store.ts';
import { formatToken, type Token } from '../../core/token.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { Compare, Operation } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { keptHistory } from '../single/local-lock.ts';
import { type ProgressRecord, progressOf, progressRecord } from '../state/progress-record.ts';
import { parseRecord } from '../state/records.ts';
import { answersIn, readHistory, withAnswer } from '../state/requests.ts';
import type { RequestInbox } from './request-inbox.ts';
import type { WriteQueue, WriteReceipt } from './write-queue.ts';

/** A status in which only counters change is written at most this often. */
const quietMs = 3_000;

export interface LockInput {
  readonly uid: string;
  readonly token: Token;
  readonly createRevision: bigint;
  readonly sessionSignal: AbortSignal;
  readonly writeQueue: WriteQueue;
  readonly kv: EtcdKv;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly inbox: RequestInbox;
  readonly onGone: () => void;
}

/**
 * A held lock: its key under the session's lease, identified by its create revision. Every write for the sync is conditional on it
 * (Invariant 3).
 */
export class EtcdLock implements SyncLock {
  readonly token: Token;
  readonly createRevision: bigint;
  readonly signal: AbortSignal;
  readonly offsets: OffsetMirror;
  readonly #input: LockInput;
  readonly #lost = new AbortController();
  #carrier: Promise<WriteReceipt | undefined> | undefined;
  #isPrimed = false;
  #isReleased = false;
  #offset: { readonly value: string | null } | undefined;
  #status: SyncStatus | undefined;
  #written: { readonly status: SyncStatus; readonly atMs: number } | undefined;

  constructor(input: LockInput) {
    this.#input = input;
    this.token = input.token;
    this.createRevision = input.createRevision;
    this.signal = AbortSignal.any([input.sessionSignal, this.#lost.signal]);
    this.offsets = {
      read: async () => (await input.kv.get(input.keys.offset(input.uid), this.signal))?.value ?? null,
      write: async (offset) => {
        this.#offset = { value: offset };
        await this.#send([], 'soon');
      },
    };
  }

  async readProgress(): Promise<SyncProgress> {
    return await readProgress(this.#input, this.#input.uid, this.signal);
  }

  async writeProgress(progress: SyncProgress): Promise<void> {
    await this.#put(this.#input.keys.progress(this.#input.uid), progressRecord(progress));
  }

  report(status: SyncStatus): void {
    this.#status = status;
    const last = this.#written?.status;
    const isNews = last?.state !== status.state || last.reason !== status.reason;
    if (isNews || last.lastError?.code !== status.lastError?.code) this.#sendStatus();
  }

  /** Called periodically: writes a pending status without a state change when the last write is old enough. */
  sweep(isLast = false): void {
    const isOld =
      isLast ||
      this.#input.clock.monotonicMs() - (this.#written?.atMs ?? Number.NEGATIVE_INFINITY) >= quietMs;
    if (isOld && this.#status !== this.#written?.status) this.#sendStatus();
  }

  async pendingRequests(): Promise<readonly Request[]> {
    const { inbox, uid } = this.#input;
    // The watch may be behind what the last holder has done, so the first read goes to etcd.
    if (this.#isPrimed && !inbox.has(uid)) return [];
    const requests = await inbox.read(uid, this.signal);
    this.#isPrimed = true;
    return requests;
  }

  onRequest(listener: () => void): () => void {
    return this.#input.inbox.onRequest(this.#input.uid, listener);
  }

  async finishRequest(status: RequestStatus): Promise<void> {
    const { keys, uid, kv, inbox } = this.#input;
    const answers = withAnswer(answersIn(await kv.get(keys.answers(uid), this.signal)), status);
    const key = keys.request(uid, status.type, status.id);
    await this.#send([
      { kind: 'put', key: keys.answers(uid), value: JSON.stringify(answers) },
      { kind: 'delete', key },
    ]);
    inbox.forget(uid, key);
  }

  async appendHistory(entry: OffsetHistoryEntry): Promise<void> {
    const history = [...(await this.readHistory()), entry].slice(-keptHistory);
    await this.#put(this.#input.keys.history(this.#input.uid), history);
  }

  async readHistory(): Promise<readonly OffsetHistoryEntry[]> {
    return await readHistory(this.#input.kv, this.#input.keys, this.#input.uid);
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    try {
      if (this.signal.aborted) return;
      await this.#send([{ kind: 'delete', key: this.#input.keys.lock(this.#input.uid) }], 'now', true);
    } catch (error) {
      // The lock is gone, which is all that release needs.
      if (!this.signal.aborted) throw error;
    } finally {
      this.#input.onGone();
    }
  }

  async #put(key: string, record: object): Promise<void> {
    await this.#send([{ kind: 'put', key, value: JSON.stringify(record) }]);
  }

  #sendStatus(): void {
    // A failure here means that the lock is lost, which its signal reports.
    this.#send([], 'soon').catch(() => {});
  }

  /** Includes pending writes. Rejects with `fenced` if the lock is gone. */
  async #send(
    operations: readonly Operation[],
    urgency: 'now' | 'soon' = 'now',
    isLast = false,
  ): Promise<void> {
    if (this.signal.aborted || (this.#isReleased && !isLast)) throw this.#gone();
    const { writeQueue } = this.#input;
    let taken: readonly Operation[] | undefined;
    const sent = writeQueue.send(
      {
        write: () => {
          if (taken === undefined) {
            taken = this.#takeWaiting();
            if (taken.length > 0) this.#carrier = sent;
          }
          const success = [...taken, ...operations];
          return success.length === 0 ? undefined : { compare: [this.condition], success };
        },
      },
      urgency,
    );
    // If there is nothing left to write, another pending write includes it: this one is stored when that one is.
    const receipt = (await sent) ?? (await this.#carrier);
    if (receipt === undefined || receipt.succeeded || isLast) return;
    this.lose();
    throw this.#gone();
  }

  get condition(): Compare {
    return { key: this.#input.keys.lock(this.#input.uid), create: this.createRevision };
  }

  lose(): void {
    this.#lost.abort(new Stopped('lock-lost'));
    this.#input.onGone();
  }

  #takeWaiting(): Operation[] {
    const { keys, uid, clock } = this.#input;
    const operations: Operation[] = [];
    const offset = this.#offset;
    if (offset !== undefined) {
      const key = keys.offset(uid);
      operations.push(
        offset.value === null ? { kind: 'delete', key } : { kind: 'put', key, value: offset.value },
      );
      this.#offset = undefined;
    }
    const status = this.#status;
    if (status !== undefined && status !== this.#written?.status) {
      operations.push({ kind: 'put', key: keys.status(uid), value: JSON.stringify(status) });
      this.#written = { status, atMs: clock.monotonicMs() };
    }
    return operations;
  }

  #gone(): Error {
    return fenced(`the lock of sync ${this.#input.uid} with token ${formatToken(this.token)} is gone`);
  }
}

export async function readProgress(
  { kv, keys }: Pick<LockInput, 'kv' | 'keys'>,
  uid: string,
  signal: AbortSignal,
): Promise<SyncProgress> {
  const pair = await kv.get(keys.progress(uid), signal);
  return pair === undefined ? noProgress : progressOf(parseRecord<ProgressRecord>(pair));
}
