import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

const repeatMs = 30_000;

/** Logs each warning at most once per interval: several watches and retries meet the same error at the same time. */
export class ThrottledWarnings {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #warned = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(message: string, error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#warned.get(message) ?? Number.NEGATIVE_INFINITY) < repeatMs) return;
    this.#warned.set(message, nowMs);
    this.#log.warn(message, { error });
  }
}
