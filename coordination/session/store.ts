import type { Clock } from '../../core/clock.ts';
import type { RateDemand } from '../../core/rate-share.ts';
import { type DataSource, qualifiedName, type Sync, type SyncIdentity } from '../../core/sync-spec.ts';
import type { RateDemands, Slots, SlotWait, SyncLock, SyncProgress } from '../../core/sync-store.ts';
import { makeToken } from '../../core/token.ts';
import type { ClusterStore } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { Keys } from '../keys.ts';
import { epochIn } from '../state/epoch.ts';
import type { LockRecord } from '../state/records.ts';
import type { Lease } from './lease.ts';
import { EtcdLock, readProgress } from './lock.ts';
import { Rates } from './rates.ts';
import type { RequestInbox } from './request-inbox.ts';
import { SlotQueues } from './slots.ts';
import type { WriteQueue } from './write-queue.ts';

const sweepEveryMs = 1_000;

export interface EtcdStoreInput {
  readonly agent: string;
  readonly lease: Lease;
  readonly writeQueue: WriteQueue;
  readonly kv: EtcdKv;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly inbox: RequestInbox;
}

/** The SyncStore of an agent: locks and slots under its lease, all writes through its write queue. */
export class EtcdStore implements ClusterStore {
  readonly #input: EtcdStoreInput;
  readonly #locks = new Map<string, EtcdLock>();
  readonly #slots: SlotQueues;
  readonly #rates: Rates;

  constructor(input: EtcdStoreInput) {
    this.#input = input;
    this.#slots = new SlotQueues(input);
    this.#rates = new Rates(input);
    input.lease.signal.addEventListener('abort', () => void this.#rates.close(), { once: true });
    void this.#sweep();
  }

  async readProgress(uid: string): Promise<SyncProgress> {
    return await readProgress(this.#input, uid, this.#input.lease.signal);
  }

  async readOffset(uid: string): Promise<string | null> {
    const { kv, keys, lease } = this.#input;
    return (await kv.get(keys.offset(uid), lease.signal))?.value ?? null;
  }

  async acquire(sync: SyncIdentity): Promise<SyncLock | undefined> {
    const { uid } = sync;
    if (this.#locks.has(uid)) return undefined;
    const { keys, lease, agent, writeQueue } = this.#input;
    const key = keys.lock(uid);
    const value = JSON.stringify({ agent } satisfies LockRecord);
    const epochKey = { kind: 'get', key: keys.epoch } as const;
    const receipt = await writeQueue.send({
      write: () => ({
        compare: [{ key, create: 0n }],
        success: [{ kind: 'put', key, value, lease: lease.id }, epochKey],
        failure: [{ kind: 'get', key }, epochKey],
      }),
    });
    if (receipt === undefined) return undefined;
    const [held, epoch] = receipt.results.map(({ pairs }) => pairs?.[0]);
    // Under our lease and not held here: created by an earlier attempt whose answer was lost.
    const isOurs = receipt.succeeded || held?.lease === lease.id;
    if (!isOurs || this.#locks.has(uid)) return undefined;
    const createRevision = receipt.succeeded ? receipt.revision : (held?.createRevision ?? 0n);
    const lock: EtcdLock = new EtcdLock({
      ...this.#input,
      uid,
      token: makeToken(epochIn(epoch), createRevision),
      createRevision,
      sessionSignal: lease.signal,
      onGone: () => {
        if (this.#locks.get(uid) === lock) this.#locks.delete(uid);
      },
    });
    this.#locks.set(uid, lock);
    return lock;
  }

  async acquireSlots(
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait?: (wait: SlotWait) => void,
  ): Promise<Slots> {
    const lock = this.#locks.get(sync.uid);
    if (lock === undefined) throw new Error(`${qualifiedName(sync)} acquires a slot without its lock`);
    return await this.#slots.take(lock, sync, dataSources, signal, onWait);
  }

  setRateDemand(dataSource: string, demand: RateDemand | undefined): void {
    this.#rates.set(dataSource, demand);
  }

  rateDemands(dataSource: string): RateDemands {
    return this.#rates.of(dataSource);
  }

  async close(): Promise<void> {
    for (const lock of this.#locks.values()) lock.sweep(true);
    await Promise.all([this.#slots.close(), this.#rates.close()]);
  }

  async #sweep(): Promise<void> {
    const { clock, lease } = this.#input;
    while (lease.isAlive()) {
      for (const lock of this.#locks.values()) lock.sweep();
      this.#slots.sweep();
      await clock.sleep(sweepEveryMs, lease.signal).catch(() => {});
    }
  }
}
