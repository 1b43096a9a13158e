import type { Clock } from '../../core/clock.ts';
import { fenced } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { Slots, SlotWait } from '../../core/sync-store.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { limited } from '../single/local-slots.ts';
import { parseRecord, readRecords, type SlotRecord } from '../state/records.ts';
import { byAge } from '../state/requests.ts';
import { ChangeSignal } from './change-signal.ts';
import type { Lease } from './lease.ts';
import type { EtcdLock } from './lock.ts';
import type { WriteQueue } from './write-queue.ts';

/** A sync returns with its next pass: its queue is kept for this time, instead of being listed and watched again for each pass. */
const keptIdleMs = 30_000;

export interface SlotQueuesInput {
  readonly clock: Clock;
  readonly kv: EtcdKv;
  readonly keys: Keys;
  readonly writeQueue: WriteQueue;
  readonly lease: Lease;
  readonly agent: string;
}

/**
 * Slots of data sources in etcd: one key for each sync that holds or awaits one, under the session's lease. The oldest keys hold a slot,
 * which is fair, and a Sync whose agent dies leaves the queue. All take slots in the same order (`limited`), which prevents deadlocks.
 */
export class SlotQueues {
  readonly #input: SlotQueuesInput;
  readonly #queues = new Map<string, SlotQueue>();

  constructor(input: SlotQueuesInput) {
    this.#input = input;
    input.lease.signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  async take(
    lock: EtcdLock,
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait: (wait: SlotWait) => void = () => {},
  ): Promise<Slots> {
    const { uid } = sync;
    const taken: { queue: SlotQueue; limit: number }[] = [];
    const release = async () => {
      await Promise.all(taken.splice(0).map(({ queue }) => this.#leave(queue, uid)));
    };
    try {
      for (const [name, limit] of limited(dataSources)) {
        const queue = this.#enter(name);
        taken.push({ queue, limit });
        const wanted = { lock, sync, limit, onWait };
        await queue.take(wanted, AbortSignal.any([signal, lock.signal]));
      }
    } catch (error) {
      await release();
      throw error;
    }
    return { hasWaiters: () => taken.some(({ queue, limit }) => queue.count > limit), release };
  }

  /** Called periodically: closes queues that have not been used for a while. */
  sweep(): void {
    const idleMs = this.#input.clock.monotonicMs() - keptIdleMs;
    for (const [name, queue] of this.#queues) {
      if (queue.users > 0 || queue.leftMs > idleMs) continue;
      this.#queues.delete(name);
      void queue.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  #enter(name: string): SlotQueue {
    const queue = this.#queues.get(name) ?? new SlotQueue(this.#input, name);
    this.#queues.set(name, queue);
    queue.users += 1;
    return queue;
  }

  async #leave(queue: SlotQueue, uid: string): Promise<void> {
    try {
      await queue.leave(uid);
    } finally {
      queue.users -= 1;
      queue.leftMs = this.#input.clock.monotonicMs();
    }
  }
}

interface Order {
  readonly pairs: readonly KeyValue[];
  readonly rank: ReadonlyMap<string, number>;
  holders: readonly string[] | undefined;
}

interface Wanted {
  readonly lock: EtcdLock;
  readonly sync: Sync;
  readonly limit: number;
  readonly onWait: (wait: SlotWait) => void;
}

/** The queue of one data source, as shown by the watch, while this agent has syncs that use it. */
class SlotQueue {
  readonly name: string;
  users = 0;
  /** When the last user left. */
  leftMs = 0;
  readonly #input: SlotQueuesInput;
  readonly #prefix: string;
  readonly #watch: Reflector;
  readonly #queue = new Map<string, KeyValue>();
  /** Create revisions of the keys of this agent's own syncs. */
  readonly #revisions = new Map<string, bigint>();
  readonly #changed = new ChangeSignal();
  /** Computed once for all waiters. */
  #order: Order | undefined;

  constructor(input: SlotQueuesInput, name: string) {
    this.name = name;
    this.#input = input;
    const [namespace = '', dataSource = ''] = name.split('/');
    this.#prefix = input.keys.slotsOf(namespace, dataSource);
    this.#watch = new Reflector(input.kv, this.#prefix, {
      onPut: (pair) => {
        this.#queue.set(pair.key, pair);
        this.#order = undefined;
      },
      onDelete: (key) => {
        this.#queue.delete(key);
        this.#order = undefined;
      },
      onSettled: () => this.#changed.notify(),
      onError() {},
    });
  }

  get count(): number {
    return this.#queue.size;
  }

  async take(wanted: Wanted, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { limit, sync, onWait } = wanted;
    const key = `${this.#prefix}${sync.uid}`;
    const revision = await this.#join(wanted, key, signal);
    this.#revisions.set(key, revision);
    const isMine = () => {
      // A key counts until this watch shows that it is gone: a sync may wait slightly too long, but never too short.
      if (this.#rank(key, revision) < limit) return true;
      onWait({ dataSource: this.name, limit, holders: this.#holders(limit) });
      return false;
    };
    await this.#changed.until(isMine, signal);
  }

  async leave(uid: string): Promise<void> {
    const key = `${this.#prefix}${uid}`;
    const revision = this.#revisions.get(key);
    const { writeQueue, lease } = this.#input;
    if (revision === undefined || !lease.isAlive()) return;
    this.#revisions.delete(key);
    const compare = [{ key, create: revision }];
    await writeQueue
      .send({ write: () => ({ compare, success: [{ kind: 'delete', key }] }) })
      .catch((error: unknown) => {
        // The key was deleted with the lease.
        if (lease.isAlive()) throw error;
      });
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  /** Joins the queue; returns the create revision. Waits for a key of the last owner whose lease has not expired. */
  async #join({ lock, sync }: Wanted, key: string, signal: AbortSignal): Promise<bigint> {
    const { writeQueue, lease, agent } = this.#input;
    const value = JSON.stringify({ agent, sync: qualifiedName(sync) } satisfies SlotRecord);
    for (;;) {
      const receipt = await writeQueue.send({
        write: () => ({
          compare: [lock.condition, { key, create: 0n }],
          success: [{ kind: 'put', key, value, lease: lease.id }],
          failure: [
            { kind: 'get', key },
            { kind: 'get', key: lock.condition.key },
          ],
        }),
      });
      if (receipt?.succeeded) return receipt.revision;
      const [slot, held] = receipt?.results.map(({ pairs }) => pairs?.[0]) ?? [];
      if (held?.createRevision !== lock.createRevision) {
        lock.lose();
        throw fenced(`the lock of the sync that wants a slot of ${this.name} is gone`);
      }
      if (slot?.lease === lease.id) return slot.createRevision;
      await this.#changed.until(
        () => !this.#queue.has(key) || this.#queue.get(key)?.lease === lease.id,
        signal,
      );
    }
  }

  #rank(key: string, revision: bigint): number {
    const mine = this.#queue.get(key);
    if (mine?.createRevision !== revision) return Number.POSITIVE_INFINITY;
    return this.#ordered().rank.get(key) ?? Number.POSITIVE_INFINITY;
  }

  #holders(limit: number): readonly string[] {
    const order = this.#ordered();
    order.holders ??= order.pairs
      .slice(0, limit)
      .map((pair) => readRecords([pair], syncOf)[0] ?? pair.key.slice(this.#prefix.length));
    return order.holders;
  }

  #ordered(): Order {
    if (this.#order) return this.#order;
    const pairs = [...this.#queue.values()].sort(byAge);
    this.#order = { pairs, rank: new Map(pairs.map(({ key }, rank) => [key, rank])), holders: undefined };
    return this.#order;
  }
}

function syncOf(pair: KeyValue): string | undefined {
  return parseRecord<SlotRecord>(pair).sync;
}
