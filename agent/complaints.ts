import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

const againMs = 30_000;

/** Says once in a while what several watches and retries meet at the same time. */
export class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  tell(message: string, error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#told.get(message) ?? Number.NEGATIVE_INFINITY) < againMs) return;
    this.#told.set(message, nowMs);
    this.#log.warn(message, { error });
  }

  /** It is over: the next one is news. */
  over(message: string): void {
    this.#told.delete(message);
  }
}
