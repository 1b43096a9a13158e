import type { Clock } from '../../core/clock.ts';
import type { RateDemand } from '../../core/rate-share.ts';
import { type DataSource, qualifiedName, type Sync, type SyncIdentity } from '../../core/sync-spec.ts';
import type { Places, RateDemands, SlotWait, SyncLock, SyncMemory } from '../../core/sync-store.ts';
import { makeToken } from '../../core/token.ts';
import type { ClusterStore } from '../contract.ts';
import type { EtcdReader } from '../etcd/kv.ts';
import type { Keys } from '../keys.ts';
import { epochIn } from '../state/epoch.ts';
import type { LockRecord } from '../state/records.ts';
import type { Lease } from './lease.ts';
import { EtcdLock, readMemory } from './lock.ts';
import { Rates } from './rates.ts';
import type { RequestInbox } from './request-inbox.ts';
import { PlaceBoards } from './slots.ts';
import type { Outbox } from './write-queue.ts';

const sweepEveryMs = 1_000;

export interface EtcdStoreInput {
  readonly agent: string;
  readonly lease: Lease;
  readonly outbox: Outbox;
  readonly reader: EtcdReader;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly inbox: RequestInbox;
}

/** The SyncStore of an agent: locks and places under its lease, everything written through its outbox. */
export class EtcdStore implements ClusterStore {
  readonly #input: EtcdStoreInput;
  readonly #locks = new Map<string, EtcdLock>();
  readonly #places: PlaceBoards;
  readonly #rates: Rates;

  constructor(input: EtcdStoreInput) {
    this.#input = input;
    this.#places = new PlaceBoards(input);
    this.#rates = new Rates(input);
    input.lease.signal.addEventListener('abort', () => void this.#rates.close(), { once: true });
    void this.#sweep();
  }

  async readMemory(uid: string): Promise<SyncMemory> {
    return await readMemory(this.#input, uid, this.#input.lease.signal);
  }

  async acquire(sync: SyncIdentity): Promise<SyncLock | undefined> {
    const { uid } = sync;
    if (this.#locks.has(uid)) return undefined;
    const { keys, lease, agent, outbox } = this.#input;
    const key = keys.lock(uid);
    const value = JSON.stringify({ agent } satisfies LockRecord);
    const epochKey = { kind: 'get', key: keys.epoch } as const;
    const delivery = await outbox.send({
      write: () => ({
        compare: [{ key, create: 0n }],
        success: [{ kind: 'put', key, value, lease: lease.id }, epochKey],
        failure: [{ kind: 'get', key }, epochKey],
      }),
    });
    if (delivery === undefined) return undefined;
    const [held, epoch] = delivery.results.map(({ pairs }) => pairs?.[0]);
    // Under our lease and not held here: an earlier attempt of ours, whose answer was lost.
    const isOurs = delivery.succeeded || held?.lease === lease.id;
    if (!isOurs || this.#locks.has(uid)) return undefined;
    const createRevision = delivery.succeeded ? delivery.revision : (held?.createRevision ?? 0n);
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

  async takePlaces(
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait?: (wait: SlotWait) => void,
  ): Promise<Places> {
    const lock = this.#locks.get(sync.uid);
    if (lock === undefined) throw new Error(`${qualifiedName(sync)} takes a place without its lock`);
    return await this.#places.take(lock, sync, dataSources, signal, onWait);
  }

  setRateDemand(dataSource: string, demand: RateDemand | undefined): void {
    this.#rates.set(dataSource, demand);
  }

  rateDemands(dataSource: string): RateDemands {
    return this.#rates.of(dataSource);
  }

  async close(): Promise<void> {
    for (const lock of this.#locks.values()) lock.sweep(true);
    await Promise.all([this.#places.close(), this.#rates.close()]);
  }

  async #sweep(): Promise<void> {
    const { clock, lease } = this.#input;
    while (lease.isAlive()) {
      for (const lock of this.#locks.values()) lock.sweep();
      this.#places.sweep();
      await clock.sleep(sweepEveryMs, lease.signal).catch(() => {});
    }
  }
}
