import type { Clock } from './clock.ts';

/** Counts the connections of one server, including those being opened or closed. */
export class ConnectionRoom {
  readonly #clock: Clock;
  readonly #limit: number;
  #count = 0;
  #changedMs = Number.NEGATIVE_INFINITY;
  #exceededMs = Number.NEGATIVE_INFINITY;
  /** In order of arrival. */
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#count >= this.#limit;
  }

  /** When a connection slot or an idle connection last became free, by the monotonic clock. */
  get changedMs(): number {
    return this.#changedMs;
  }

  /** When a connection above the limit was last opened, by the monotonic clock. */
  get exceededMs(): number {
    return this.#exceededMs;
  }

  take(): void {
    if (this.isFull) this.#exceededMs = this.#clock.monotonicMs();
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    this.changed();
  }

  /** A connection slot is free, or an idle connection can be closed to free one: wakes the longest waiter. */
  changed(): void {
    this.#changedMs = this.#clock.monotonicMs();
    this.#waiting.shift()?.();
  }

  /** Waits until `changed` is called, at most `waitMs`. Rejects with the signal's reason. */
  async change(waitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const enough = new AbortController();
    this.#waiting.push(resolve);
    const sleeping = this.#clock.sleep(waitMs, AbortSignal.any([signal, enough.signal]));
    try {
      await Promise.race([promise, sleeping]);
    } finally {
      enough.abort();
      await sleeping.catch(() => {});
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
      // The waiter was woken and aborted at the same moment: wake the next one.
      else if (signal.aborted) this.changed();
    }
  }
}
