import { type DataSource, qualifiedName } from '../core/sync-spec.ts';
import type { Places } from '../core/sync-store.ts';

/** The data sources that limit their syncs, each once, in the order in which everybody takes them: no deadlock between two. */
export function limited(
  dataSources: readonly DataSource[],
): readonly (readonly [name: string, limit: number])[] {
  const limits = new Map<string, number>();
  for (const each of dataSources) {
    if (each.spec.maxConcurrentSyncs !== undefined)
      limits.set(qualifiedName(each), each.spec.maxConcurrentSyncs);
  }
  return [...limits].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Places of data sources within one process, fair in order of arrival. */
export class LocalPlaces {
  readonly #queues = new Map<string, Queue>();

  async take(dataSources: readonly DataSource[], signal: AbortSignal): Promise<Places> {
    const taken: Queue[] = [];
    const release = async () => {
      for (const queue of taken.splice(0)) queue.give();
    };
    try {
      for (const [name, limit] of limited(dataSources)) {
        const queue = this.#queue(name);
        queue.limit = limit;
        await queue.take(signal);
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

class Queue {
  /** The latest that was asked for. */
  limit = 1;
  #held = 0;
  readonly #waiters = new Set<() => void>();

  get hasWaiters(): boolean {
    return this.#waiters.size > 0;
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#held < this.limit && this.#waiters.size === 0) {
      this.#held += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiters.delete(admit);
        reject(signal.reason);
      };
      this.#waiters.add(admit);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  give(): void {
    this.#held -= 1;
    for (const admit of this.#waiters) {
      if (this.#held >= this.limit) return;
      this.#waiters.delete(admit);
      this.#held += 1;
      admit();
    }
  }
}
