import type { Clock } from '../../../core/clock.ts';

/** Default if no bound from the source's transactions is available (contract, late rows). */
export const defaultSafetyLagMs = 5_000;

/** High-water marks seen over time. For ids, `safetyLag` means the mark as it was that long ago. */
export class SeenMarks {
  readonly #clock: Clock;
  readonly #lagMs: number;
  #marks: { readonly atMs: number; readonly text: string }[] = [];

  constructor(clock: Clock, lagMs: number) {
    this.#clock = clock;
    this.#lagMs = lagMs;
  }

  add(text: string): void {
    const last = this.#marks.at(-1);
    if (last?.text === text) return;
    this.#marks.push({ atMs: this.#clock.monotonicMs(), text });
  }

  /** The newest mark that is old enough, or undefined. Older ones are dropped. */
  settled(): string | undefined {
    const limit = this.#clock.monotonicMs() - this.#lagMs;
    const index = this.#marks.findLastIndex((mark) => mark.atMs <= limit);
    if (index < 0) return undefined;
    this.#marks = this.#marks.slice(index);
    return this.#marks[0]?.text;
  }

  /** Time until the oldest mark is old enough, in whole ms plus one, because timers drop fractions; undefined if there is no mark. */
  waitMs(): number | undefined {
    const oldest = this.#marks[0];
    return oldest && Math.max(0, Math.ceil(oldest.atMs + this.#lagMs - this.#clock.monotonicMs()) + 1);
  }
}
