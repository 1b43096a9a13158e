import type { EtcdReader } from '../etcd/kv.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { Notice, watchCatchesUpMs } from './change-signal.ts';

/** Watches the locks of all syncs for as long as somebody waits for one: one watch, however many wait. */
export class LockWatch {
  readonly #reader: EtcdReader;
  readonly #keys: Keys;
  #open: OpenWatch | undefined;

  constructor(reader: EtcdReader, keys: Keys) {
    this.#reader = reader;
    this.#keys = keys;
  }

  /** After an acquire that failed: until nobody is known to hold the lock. Rejects with the signal's reason. */
  async untilFree(uid: string, signal: AbortSignal): Promise<void> {
    const open = this.#open ?? this.#start();
    this.#open = open;
    open.waiting += 1;
    try {
      await this.#reader.clock.sleep(watchCatchesUpMs, signal);
      await open.notice.until(() => !open.held.has(uid), signal);
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
    const notice = new Notice();
    const watch = new Reflector(this.#reader, this.#keys.locks, {
      onPut: (pair) => held.add(this.#keys.lastPart(pair.key)),
      onDelete: (key) => held.delete(this.#keys.lastPart(key)),
      onSettled: () => notice.tell(),
      // It goes on by itself, and who waits waits.
      onError() {},
    });
    return { held, notice, watch, waiting: 0 };
  }
}

interface OpenWatch {
  readonly held: ReadonlySet<string>;
  readonly notice: Notice;
  readonly watch: Reflector;
  waiting: number;
}
