import { orAborted } from '../../core/aborted.ts';
import type { Request } from '../../core/status.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { readPending } from '../state/requests.ts';

/** The requests of all syncs, from one watch of the agent: shows which sync must read etcd. */
export class RequestInbox {
  readonly #kv: EtcdKv;
  readonly #keys: Keys;
  readonly #watch: Reflector;
  readonly #waiting = new Map<string, Set<string>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(kv: EtcdKv, keys: Keys) {
    this.#kv = kv;
    this.#keys = keys;
    this.#watch = new Reflector(kv, keys.requests, {
      onPut: ({ key }) => this.#put(key),
      onDelete: (key) => this.forget(this.#uidOf(key), key),
      onSettled() {},
      // The watch recovers by itself; a session that cannot continue without etcd ends with its lease.
      onError() {},
    });
  }

  /** Whether a request is known to be pending. */
  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  async read(uid: string, signal: AbortSignal): Promise<readonly Request[]> {
    await orAborted(this.#watch.isSynced, signal);
    return await readPending(this.#kv, this.#keys, uid);
  }

  forget(uid: string, key: string): void {
    const keys = this.#waiting.get(uid);
    keys?.delete(key);
    if (keys?.size === 0) this.#waiting.delete(uid);
  }

  onRequest(uid: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(uid) ?? new Set();
    this.#listeners.set(uid, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(uid) === listeners) this.#listeners.delete(uid);
    };
  }

  end(): void {
    void this.#watch.close();
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  #put(key: string): void {
    const uid = this.#uidOf(key);
    const keys = this.#waiting.get(uid) ?? new Set();
    this.#waiting.set(uid, keys.add(key));
    for (const listener of this.#listeners.get(uid) ?? []) listener();
  }

  #uidOf(key: string): string {
    return key.slice(this.#keys.requests.length).split('/')[0] ?? '';
  }
}
