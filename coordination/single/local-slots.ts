import { type DataSource, qualifiedName, type Sync, slotLimit } from '../../core/sync-spec.ts';
import type { Slots, SlotWait } from '../../core/sync-store.ts';

/**
 * The data sources that limit their syncs, each once, in the order in which everybody takes them, which prevents deadlocks. The lowest
 * limit comes first, so that a sync that waits for the scarcest slots holds none of the others, which syncs of other systems need.
 */
export function limited(
  dataSources: readonly DataSource[],
): readonly (readonly [name: string, limit: number])[] {
  const limits = new Map<string, number>();
  for (const each of dataSources) {
    const limit = slotLimit(each.spec.maxConcurrentSyncs);
    if (limit !== undefined) limits.set(qualifiedName(each), limit);
  }
  return [...limits].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
}

/** Slots of data sources within one process, fair in order of arrival. */
export class LocalSlots {
  readonly #queues = new Map<string, Queue>();

  async take(
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait: (wait: SlotWait) => void = () => {},
  ): Promise<Slots> {
    const taken: Queue[] = [];
    const release = async () => {
      for (const queue of taken.splice(0)) queue.give(sync);
    };
    try {
      for (const [dataSource, limit] of limited(dataSources)) {
        const queue = this.#queue(dataSource);
        queue.limit = limit;
        await queue.take(sync, signal, (holders) => onWait({ dataSource, limit, holders }));
        taken.push(queue);
      }
    } catch (error) {
      await release();
      throw error;
    }
    return { hasWaiters: () => taken.some((queue) => queue.hasWaiters), release };
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new Queue();
    this.#queues.set(name, queue);
    return queue;
  }
}

interface Waiter {
  readonly sync: Sync;
  readonly admit: () => void;
  readonly onWait: (holders: readonly string[]) => void;
}

class Queue {
  /** The limit that was requested last. */
  limit = 1;
  /** By uid. */
  readonly #holders = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();

  get hasWaiters(): boolean {
    return this.#waiters.size > 0;
  }

  async take(sync: Sync, signal: AbortSignal, onWait: (holders: readonly string[]) => void): Promise<void> {
    signal.throwIfAborted();
    if (this.#holders.size < this.limit && this.#waiters.size === 0) {
      this.#hold(sync);
      return;
    }
    onWait(this.#names);
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      const waiter = { sync, admit, onWait };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  give(sync: Sync): void {
    this.#holders.delete(sync.uid);
    for (const waiter of this.#waiters) {
      if (this.#holders.size >= this.limit) break;
      this.#waiters.delete(waiter);
      this.#hold(waiter.sync);
      waiter.admit();
    }
    for (const { onWait } of this.#waiters) onWait(this.#names);
  }

  #hold(sync: Sync): void {
    this.#holders.set(sync.uid, qualifiedName(sync));
  }

  get #names(): readonly string[] {
    return [...this.#holders.values()];
  }
}
