import { backoffMs } from '../../core/backoff.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { Delays } from './delays.ts';

/** Delay of a key that fails: doubled at each consecutive failure, half of it random. */
export interface RetryLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Keys to be processed, in order of arrival. Each key is queued once, however often it is added, and no key is processed twice at the
 * same time: if added meanwhile, it is queued again after `done`. A failed key waits on its own.
 *
 * Handing out a key also clears its delay, because it is processed now.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: () => number;
  /** To be processed: queued, or added while being processed. */
  readonly #dirty = new Set<string>();
  readonly #inHand = new Set<string>();
  readonly #delays = new Delays();
  readonly #failures = new Map<string, number>();
  readonly #waiters: ((key: string) => void)[] = [];
  /** The queue: taken from the end of `out`; `arriving` becomes the next `out`, reversed. */
  #out: string[] = [];
  #arriving: string[] = [];
  #alarm: { readonly dueMs: number; readonly cancel: AbortController } | undefined;

  constructor(options: { readonly clock?: Clock; readonly random?: () => number } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** Number of queued keys, without delayed ones. */
  get depth(): number {
    return this.#out.length + this.#arriving.length;
  }

  get delayed(): number {
    return this.#delays.size;
  }

  add(key: string): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#inHand.has(key)) this.#enqueue(key);
  }

  /** If the key is delayed already, the earlier time applies. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    this.#delays.set(key, this.#clock.monotonicMs() + delayMs);
    this.#setAlarm();
  }

  /** After a failure: delays the key, longer each time; returns the number of consecutive failures. */
  retry(key: string, limits: RetryLimits): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.addAfter(key, backoffMs(failures, { ...limits, random: this.#random }));
    return failures;
  }

  /** After a success: resets the failure count. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, to be returned with `done`; undefined when the signal fires. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return undefined;
    for (const key of this.#delays.take(this.#clock.monotonicMs())) this.add(key);
    const ready = this.#take();
    if (ready !== undefined) return ready;

    const turn = Promise.withResolvers<string | undefined>();
    const take = (key: string) => {
      signal.removeEventListener('abort', stop);
      turn.resolve(key);
    };
    const stop = () => {
      this.#waiters.splice(this.#waiters.indexOf(take), 1);
      this.#setAlarm();
      turn.resolve(undefined);
    };
    this.#waiters.push(take);
    signal.addEventListener('abort', stop, { once: true });
    this.#setAlarm();
    return await turn.promise;
  }

  /** Removes all waiting keys and the failure counts. */
  clear(): void {
    for (const key of this.#dirty) if (!this.#inHand.has(key)) this.#dirty.delete(key);
    this.#out = [];
    this.#arriving = [];
    this.#delays.clear();
    this.#failures.clear();
    this.#setAlarm();
  }

  done(key: string): void {
    this.#inHand.delete(key);
    if (this.#dirty.has(key)) this.#enqueue(key);
  }

  #enqueue(key: string): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#arriving.push(key);
      return;
    }
    this.#hand(key);
    waiter(key);
    this.#setAlarm();
  }

  #take(): string | undefined {
    if (this.#out.length === 0) {
      this.#out = this.#arriving.reverse();
      this.#arriving = [];
    }
    const key = this.#out.pop();
    if (key !== undefined) this.#hand(key);
    return key;
  }

  #hand(key: string): void {
    this.#dirty.delete(key);
    this.#delays.delete(key);
    this.#inHand.add(key);
  }

  /** A single timer, set only while a caller waits: otherwise `next` checks the clock itself. */
  #setAlarm(): void {
    const dueMs = this.#waiters.length > 0 ? this.#delays.next() : undefined;
    if (dueMs === this.#alarm?.dueMs) return;
    this.#alarm?.cancel.abort();
    this.#alarm = undefined;
    if (dueMs === undefined) return;
    const alarm = { dueMs, cancel: new AbortController() };
    this.#alarm = alarm;
    const ring = () => {
      if (this.#alarm !== alarm) return;
      this.#alarm = undefined;
      for (const key of this.#delays.take(this.#clock.monotonicMs())) this.add(key);
      this.#setAlarm();
    };
    this.#clock
      .sleep(Math.max(0, dueMs - this.#clock.monotonicMs()), alarm.cancel.signal)
      .then(ring, () => {});
  }
}
