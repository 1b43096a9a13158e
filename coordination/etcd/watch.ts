import { backoffMs } from '../../core/backoff.ts';
import { transient } from '../../core/errors.ts';
import type { Watching } from '../contract.ts';
import { hasCode } from './errors.ts';
import type { EtcdKv } from './kv.ts';
import { type KeyRange, type KeyValue, underPrefix, type WatchEvent, type WatchStream } from './transport.ts';

/** A silent watch is probed after this time, and abandoned if it is still silent after the same time again. */
const aliveEveryMs = 5_000;
/** etcd does not answer a progress request while a watch catches up, which every watch does after it opens. */
const askAgainMs = 1_000;
/** How often the mirror is compared with a complete list, regardless of the watch. */
const relistEveryMs = 600_000;

export interface ReflectorSink {
  /** The current value; also reported after each list, for keys that changed meanwhile. */
  onPut(pair: KeyValue): void;
  onDelete(key: string): void;
  /** A list, or the events of one response, have been reported. */
  onSettled(): void;
  /** Something failed, including an exception thrown by a sink; the watch recovers by itself. */
  onError(error: Error): void;
}

/**
 * Mirrors a range of keys: a list at one revision, then its changes from the next revision on. If the watch ends, it resumes after the
 * last revision seen, or with a new list if etcd has compacted that. Reports only real differences.
 */
export class Reflector implements Watching {
  readonly isSynced: Promise<void>;
  readonly #kv: EtcdKv;
  readonly #range: Required<KeyRange>;
  readonly #sink: ReflectorSink;
  readonly #isOptional: boolean;
  readonly #end = new AbortController();
  readonly #revisions = new Map<string, bigint>();
  readonly #done: Promise<void>;

  /**
   * `isOptional`: the first list is not awaited while this user has no right to the keys. They are newer than the rights of an installation
   * in which `idra etcd roles` has not run since.
   */
  constructor(kv: EtcdKv, prefix: string, sink: ReflectorSink, { isOptional = false } = {}) {
    this.#kv = kv;
    this.#range = underPrefix(prefix);
    this.#sink = sink;
    this.#isOptional = isOptional;
    const synced = Promise.withResolvers<void>();
    this.isSynced = synced.promise;
    // If it is closed before the first list, there is no result, and no unhandled rejection.
    synced.promise.catch(() => {});
    this.#done = this.#run(synced.resolve).finally(() => synced.reject(this.#end.signal.reason));
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #run(onSynced: () => void): Promise<void> {
    const { signal } = this.#end;
    let failures = 0;
    while (!signal.aborted) {
      try {
        let seen = await this.#list(signal);
        onSynced();
        const relistAtMs = this.#kv.clock.monotonicMs() + relistEveryMs * (0.8 + 0.4 * Math.random());
        while (this.#kv.clock.monotonicMs() < relistAtMs) {
          const startMs = this.#kv.clock.monotonicMs();
          const end = await this.#watch(seen, relistAtMs, signal);
          seen = end.seen;
          if (end.error === undefined) continue;
          if (hasCode(end.error, 'EtcdCompacted') || hasCode(end.error, 'EtcdReplaced')) break;
          this.#sink.onError(end.error);
          failures = this.#kv.clock.monotonicMs() - startMs > aliveEveryMs ? 1 : failures + 1;
          await this.#pause(failures, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        if (this.#isOptional && hasCode(error, 'EtcdPermissionDenied')) onSynced();
        this.#sink.onError(error instanceof Error ? error : new Error(String(error)));
        await this.#pause(failures, signal).catch(() => {});
      }
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    await this.#kv.clock.sleep(backoffMs(failures, { baseMs: 50, maxMs: 2_000 }), signal);
  }

  async #list(signal: AbortSignal): Promise<Seen> {
    const gone = new Set(this.#revisions.keys());
    let seen: Seen = { revision: 0n, cluster: '' };
    for await (const { pairs, revision, cluster } of this.#kv.pages(this.#range, { signal })) {
      for (const pair of pairs) {
        gone.delete(pair.key);
        if (this.#revisions.get(pair.key) !== pair.modRevision) this.#take(pair);
      }
      seen = { revision, cluster };
    }
    for (const key of gone) this.#forget(key);
    this.#settle();
    return seen;
  }

  #watch(after: Seen, untilMs: number, signal: AbortSignal): Promise<{ seen: Seen; error?: Error }> {
    return new Promise((resolve) => {
      let seen = after;
      const life = new AbortController();
      const lives = AbortSignal.any([life.signal, signal]);
      const over = (error?: Error) => {
        if (life.signal.aborted) return;
        life.abort();
        stream.close();
        resolve(error === undefined ? { seen } : { seen, error });
      };
      const liveness = new Liveness();
      const stream: WatchStream = this.#kv.transport.watch(
        { ...this.#range, afterRevision: after.revision, cluster: after.cluster },
        {
          onEvents: (events, revision) => {
            if (lives.aborted) return;
            liveness.saw(revision);
            this.#apply(events);
            seen = { ...after, revision };
          },
          onProgress: (revision) => liveness.saw(revision),
          onEnd: (error) => over(error),
        },
      );
      signal.addEventListener('abort', () => over(), { once: true, signal: life.signal });
      this.#guard(stream, liveness, () => seen, untilMs, lives).then(() => over(), over);
    });
  }

  /** Resolves when it is time for a list; rejects if the watch is dead or its member fell behind. */
  async #guard(
    stream: WatchStream,
    liveness: Liveness,
    seen: () => Seen,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#kv;
    while (clock.monotonicMs() < untilMs) {
      const { revision, cluster } = await this.#kv.range({ key: this.#range.key }, signal);
      // A restored etcd counts from an earlier revision: a watch from a later one would silently wait for it.
      if (cluster !== seen().cluster || revision < seen().revision)
        throw transient('EtcdReplaced', 'etcd was replaced, or restored to an earlier state');
      liveness.expect(revision);
      for (const waitMs of [askAgainMs, aliveEveryMs - askAgainMs]) {
        if (!liveness.isAlive) stream.requestProgress();
        await clock.sleep(waitMs, signal);
      }
      if (!liveness.isAlive)
        throw transient(
          'EtcdUnavailable',
          `the watch of ${this.#range.key} has received nothing for too long`,
        );
    }
  }

  #apply(events: readonly WatchEvent[]): void {
    for (const { kind, pair } of events) {
      if (kind === 'delete') this.#forget(pair.key);
      else if ((this.#revisions.get(pair.key) ?? 0n) < pair.modRevision) this.#take(pair);
    }
    if (events.length > 0) this.#settle();
  }

  #take(pair: KeyValue): void {
    this.#revisions.set(pair.key, pair.modRevision);
    this.#report(() => this.#sink.onPut(pair));
  }

  #forget(key: string): void {
    if (this.#revisions.delete(key)) this.#report(() => this.#sink.onDelete(key));
  }

  #settle(): void {
    this.#report(() => this.#sink.onSettled());
  }

  #report(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#sink.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** The revision up to which the mirror is current, and the cluster that it comes from. */
interface Seen {
  readonly revision: bigint;
  readonly cluster: string;
}

/** Whether a watch is known to be current: compares what it has seen with what was last requested. */
class Liveness {
  #expected = 0n;
  #seen = -1n;

  expect(revision: bigint): void {
    this.#expected = revision;
  }

  saw(revision: bigint): void {
    if (revision > this.#seen) this.#seen = revision;
  }

  /** It has reached at least the revision of a linearizable read made before the request. */
  get isAlive(): boolean {
    return this.#seen >= this.#expected;
  }
}
