import type { Clock } from './clock.ts';

/** The connections of one server that there are, being opened and being closed included. */
export class ConnectionRoom {
  readonly #clock: Clock;
  readonly #limit: number;
  #count = 0;
  /** In order of arrival. */
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#count >= this.#limit;
  }

  take(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    this.changed();
  }

  /** There is room, or a connection that may be closed to make some: who waits longest looks. */
  changed(): void {
    this.#waiting.shift()?.();
  }

  /** Until `changed`, or for so long. Rejects with the signal's reason. */
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
      // It was told in the moment in which it was ended: the next one looks.
      else if (signal.aborted) this.changed();
    }
  }
}
