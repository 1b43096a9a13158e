import type { EtcdKv } from '../etcd/kv.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { ChangeSignal, watchCatchesUpMs } from './change-signal.ts';

/** Watches the locks of all syncs while anybody waits for one. All waiters share one watch. */
export class LockWatch {
  readonly #kv: EtcdKv;
  readonly #keys: Keys;
  #open: OpenWatch | undefined;

  constructor(kv: EtcdKv, keys: Keys) {
    this.#kv = kv;
    this.#keys = keys;
  }

  /** Call after a failed acquire: waits until nobody is known to hold the lock. Rejects with the signal's reason. */
  async untilFree(uid: string, signal: AbortSignal): Promise<void> {
    const open = this.#open ?? this.#start();
    this.#open = open;
    open.waiting += 1;
    try {
      await this.#kv.clock.sleep(watchCatchesUpMs, signal);
      await open.changed.until(() => !open.held.has(uid), signal);
    } finally {
      open.waiting -= 1;
      if (open.waiting === 0) {
        if (this.#open === open) this.#open = undefined;
        await open.watch.close();
      }
    }
  }

  #start(): OpenWatch {
    const held = new Set<string>();
    const changed = new ChangeSignal();
    const watch = new Reflector(this.#kv, this.#keys.locks, {
      onPut: (pair) => held.add(this.#keys.lastPart(pair.key)),
      onDelete: (key) => held.delete(this.#keys.lastPart(key)),
      onSettled: () => changed.notify(),
      // The watch recovers by itself; callers keep waiting.
      onError() {},
    });
    return { held, changed, watch, waiting: 0 };
  }
}

interface OpenWatch {
  readonly held: ReadonlySet<string>;
  readonly changed: ChangeSignal;
  readonly watch: Reflector;
  waiting: number;
}
