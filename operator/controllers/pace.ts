import type { Clock } from '../../core/clock.ts';

export interface PaceLimits {
  /** Between two writes of one object, when something happened to it. */
  readonly newsMs: number;
  /** The same, when it has only come further. */
  readonly progressMs: number;
  /** Of all objects together, a second, of those that have only come further. */
  readonly progressPerSecond: number;
}

const defaultLimits: PaceLimits = { newsMs: 2_000, progressMs: 5_000, progressPerSecond: 50 };

/** When a status may be written: news at once, progress as the API server can bear it with thousands of busy syncs. */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  readonly #writtenMs = new Map<string, number>();
  /** A turn of its own for each key that waits. */
  readonly #turnsMs = new Map<string, number>();
  #nextTurnMs = 0;

  constructor(clock: Clock, limits: PaceLimits = defaultLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** 0: write now. */
  waitMs(key: string, kind: 'news' | 'progress'): number {
    const nowMs = this.#clock.monotonicMs();
    const { newsMs, progressMs, progressPerSecond } = this.#limits;
    const restedMs =
      (this.#writtenMs.get(key) ?? Number.NEGATIVE_INFINITY) + (kind === 'news' ? newsMs : progressMs);
    if (restedMs > nowMs) return restedMs - nowMs;
    if (kind === 'news') return 0;
    let turnMs = this.#turnsMs.get(key);
    if (turnMs === undefined) {
      turnMs = Math.max(nowMs, this.#nextTurnMs);
      this.#nextTurnMs = turnMs + 1_000 / progressPerSecond;
      this.#turnsMs.set(key, turnMs);
    }
    return Math.max(0, turnMs - nowMs);
  }

  written(key: string): void {
    this.#writtenMs.set(key, this.#clock.monotonicMs());
    this.#turnsMs.delete(key);
  }

  forget(key: string): void {
    this.#writtenMs.delete(key);
    this.#turnsMs.delete(key);
  }
}
