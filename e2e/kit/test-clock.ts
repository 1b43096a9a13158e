import type { Clock } from '../../core/clock.ts';

/** A clock that a test advances. */
export class TestClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  now(): number {
    return 1_760_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper = { atMs: this.#nowMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        if (this.#sleepers.delete(sleeper)) reject(signal.reason);
      });
    });
  }

  /** Sleepers wake in order, each at its time, and what they do is completed before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const [first] = [...this.#sleepers]
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs);
      if (!first) break;
      this.#sleepers.delete(first);
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      first.wake();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Until promises that wait for nothing external have run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
