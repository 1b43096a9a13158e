import { orAborted } from '../../core/aborted.ts';
import type { Clock } from '../../core/clock.ts';

/** A latched wake-up: a ring before anyone waits is not lost. */
export class WakeUp {
  readonly #clock: Clock;
  #rung = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung.resolve();
  }

  clear(): void {
    this.#rung = Promise.withResolvers<void>();
  }

  /** Returns when it rings, after at most `ms`. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === Number.POSITIVE_INFINITY) return await orAborted(this.#rung.promise, signal);
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    try {
      await Promise.race([this.#rung.promise, this.#clock.sleep(ms, either)]);
    } finally {
      done.abort();
    }
    signal.throwIfAborted();
  }
}
