import type { Clock } from '../../core/clock.ts';

/** Short, so that a change is seen by the next attempt after a refused one; many syncs share one Secret and one DataSource. */
const keptMs = 4_000;
const mostRemembered = 2_000;

/** Caches a read for all callers within a few seconds. Failures are not cached. */
export class ShortCache<T> {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly untilMs: number; readonly value: Promise<T> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: string, read: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    for (const [each, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(each);
    const known = this.#kept.get(id);
    if (known) return known.value;
    const value = read();
    this.#kept.set(id, { untilMs: nowMs + keptMs, value });
    value.catch(() => this.#kept.delete(id));
    return value;
  }

  forget(id: string): void {
    this.#kept.delete(id);
  }
}

/** A cache of the values set last, in order of last use, of limited size. */
export class LastUsed<T> {
  readonly #values = new Map<string, T>();

  get(id: string): T | undefined {
    return this.#values.get(id);
  }

  set(id: string, value: T): void {
    this.#values.delete(id);
    this.#values.set(id, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > mostRemembered && oldest !== undefined) this.#values.delete(oldest);
  }
}
