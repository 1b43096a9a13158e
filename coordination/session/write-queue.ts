import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import { reach } from '../../core/crash-points.ts';
import { asIdraError, fenced, permanent } from '../../core/errors.ts';
import { hasCode } from '../etcd/errors.ts';
import type { EtcdTransport, Operation, TxnRequest, TxnResult } from '../etcd/transport.ts';
import type { Lease } from './lease.ts';

/** etcd's limit, including nested operations. */
const maxOperations = 128;
/** etcd refuses requests above 1.5 MiB, with an error that looks like overload. */
const maxBytes = 1 << 20;
/** Minimum interval between writes that are not urgent. */
const lazyEveryMs = 400;

/** A transaction that is nested in the one that is sent. It may be executed twice in a row, but never late. */
export interface PendingWrite {
  /** Called when it is sent, so that later changes are included. Undefined if nothing is left to do. */
  write(): TxnRequest | undefined;
}

/** The result of a pending write: the result of its own transaction, at the revision of the outer one. */
export interface WriteReceipt {
  readonly succeeded: boolean;
  readonly revision: bigint;
  readonly results: TxnResult['results'];
}

interface Waiting {
  readonly pending: PendingWrite;
  readonly isUrgent: boolean;
  readonly resolve: (receipt: WriteReceipt | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * All writes of one agent's session, in order, several in one transaction. Each is conditional on the session's key as the previous one
 * left it, and puts it again: a transaction that arrives late or twice finds the key changed and does nothing. So a transaction with an
 * unknown outcome can simply be resent. When the lease expires, its key is deleted, and nothing can be written.
 */
export class WriteQueue {
  readonly #transport: EtcdTransport;
  readonly #clock: Clock;
  readonly #lease: Lease;
  readonly #key: string;
  readonly #unclear = new Set<string>();
  #queue: Waiting[] = [];
  #revision: bigint;
  #count = 0;
  #isHurried = false;
  #pumping: Promise<void> | undefined;
  #wake = new AbortController();
  #lastLazyMs = Number.NEGATIVE_INFINITY;

  constructor(input: WriteQueueInput) {
    this.#transport = input.transport;
    this.#clock = input.clock;
    this.#lease = input.lease;
    this.#key = input.key;
    this.#revision = input.revision;
    input.lease.signal.addEventListener('abort', () => this.#rejectAll(), { once: true });
  }

  /** Resolves with undefined if nothing was left to write. Rejects with `fenced` if the lease is lost first. */
  async send(pending: PendingWrite, urgency: 'now' | 'soon' = 'now'): Promise<WriteReceipt | undefined> {
    if (!this.#lease.isAlive()) throw leaseLost();
    return await new Promise((resolve, reject) => {
      const isUrgent = urgency === 'now';
      this.#queue.push({ pending, isUrgent, resolve, reject });
      if (isUrgent) this.#wake.abort();
      this.#pumping ??= this.#pump();
    });
  }

  /** Resolves when everything sent so far is stored, or the lease is lost. */
  async settle(): Promise<void> {
    this.#isHurried = true;
    this.#wake.abort();
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#queue.length > 0 && this.#lease.isAlive()) {
        if (!this.#isHurried && !this.#queue.some(({ isUrgent }) => isUrgent)) await this.#waitForLazyTurn();
        // Writes requested in the same turn of the event loop are sent together.
        await Promise.resolve();
        const pack = this.#takePack();
        if (pack.length > 0) await this.#commit(pack);
      }
      if (!this.#lease.isAlive()) this.#rejectAll();
    } finally {
      // In the same turn as the last check of the queue: a later write starts another pump.
      this.#pumping = undefined;
    }
  }

  async #waitForLazyTurn(): Promise<void> {
    this.#wake = new AbortController();
    const waitMs = this.#lastLazyMs + lazyEveryMs - this.#clock.monotonicMs();
    const signal = AbortSignal.any([this.#wake.signal, this.#lease.signal]);
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal).catch(() => {});
  }

  #takePack(): Packed[] {
    if (!this.#lease.isAlive()) return [];
    if (this.#queue.some(({ isUrgent }) => !isUrgent)) this.#lastLazyMs = this.#clock.monotonicMs();
    const pack: Packed[] = [];
    let [largest, bytes] = [0, 0];
    for (const [index, waiting] of this.#queue.entries()) {
      const request = waiting.pending.write();
      if (request === undefined) {
        waiting.resolve(undefined);
        continue;
      }
      const size = operationsOf(request);
      const added = bytesOf(request);
      if (added > maxBytes) {
        waiting.reject(tooLarge(added));
        continue;
      }
      const isFull = pack.length + 2 + Math.max(largest, size) > maxOperations || bytes + added > maxBytes;
      if (isFull && pack.length > 0) {
        this.#queue = this.#queue.slice(index);
        this.#queue[0] = { ...waiting, pending: { write: () => request } };
        return pack;
      }
      largest = Math.max(largest, size);
      bytes += added;
      pack.push({ ...waiting, request });
    }
    this.#queue = [];
    return pack;
  }

  async #commit(pack: readonly Packed[]): Promise<void> {
    for (let attempt = 1; this.#lease.isAlive(); attempt++) {
      try {
        if (await this.#tryCommit(pack)) return;
        attempt = 0;
      } catch (error) {
        if (!this.#lease.isAlive()) break;
        if (hasCode(error, 'EtcdLeaseGone')) this.#lease.lose();
        else if (hasCode(error, 'EtcdUnavailable') || hasCode(error, 'EtcdFull')) await this.#pause(attempt);
        else {
          await this.#refused(pack, error);
          return;
        }
      }
    }
    for (const { reject } of pack) reject(leaseLost());
  }

  /** Returns false if an earlier attempt has arrived after all; retry from there. */
  async #tryCommit(pack: readonly Packed[]): Promise<boolean> {
    const attempt = `${this.#lease.id}.${++this.#count}`;
    const nested = pack.map(({ request }): Operation => ({ kind: 'txn', ...request }));
    this.#unclear.add(attempt);
    await reach('etcd:before-transaction');
    const result = await this.#transport.txn(
      {
        compare: [{ key: this.#key, mod: this.#revision }],
        success: [{ kind: 'put', key: this.#key, value: attempt, lease: this.#lease.id }, ...nested],
        failure: [{ kind: 'get', key: this.#key }],
      },
      { timeoutMs: this.#lease.ttlMs / 3, signal: this.#lease.signal },
    );
    await reach('etcd:after-transaction');
    if (result.succeeded) {
      this.#revision = result.revision;
      this.#unclear.clear();
      for (const [index, { resolve }] of pack.entries()) {
        const txn = result.results[index + 1]?.txn;
        resolve({
          succeeded: txn?.succeeded === true,
          revision: result.revision,
          results: txn?.results ?? [],
        });
      }
      return true;
    }
    const stored = result.results[0]?.pairs?.[0];
    if (stored === undefined || !this.#unclear.has(stored.value)) this.#lease.lose();
    else this.#revision = stored.modRevision;
    return false;
  }

  /** etcd has permanently refused one or all of them: each is sent alone, so that one does not block the others. */
  async #refused(pack: readonly Packed[], error: unknown): Promise<void> {
    const [only] = pack;
    if (pack.length === 1) only?.reject(asIdraError(error));
    else for (const each of pack) await this.#commit([each]);
  }

  async #pause(attempt: number): Promise<void> {
    const { signal } = this.#lease;
    await this.#clock.sleep(backoffMs(attempt, { baseMs: 50, maxMs: 1_000 }), signal).catch(() => {});
  }

  #rejectAll(): void {
    for (const { reject } of this.#queue.splice(0)) reject(leaseLost());
  }
}

export interface WriteQueueInput {
  readonly transport: EtcdTransport;
  readonly clock: Clock;
  readonly lease: Lease;
  /** The session's key, and its mod revision. */
  readonly key: string;
  readonly revision: bigint;
}

interface Packed extends Waiting {
  readonly request: TxnRequest;
}

function tooLarge(bytes: number): Error {
  return permanent(
    'RecordTooLarge',
    `etcd does not accept a record of ${bytes} bytes; the limit is ${maxBytes}`,
  );
}

export function leaseLost(): Error {
  return fenced('the lease of this agent is lost');
}

function operationsOf({ compare, success, failure = [] }: TxnRequest): number {
  return Math.max(compare.length, success.length, failure.length);
}

function bytesOf({ success }: TxnRequest): number {
  return success.reduce(
    (sum, each) => sum + (each.kind === 'put' ? each.key.length + each.value.length : 100),
    200,
  );
}
