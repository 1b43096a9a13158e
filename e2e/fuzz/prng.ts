import { randomFrom } from '../kit/random.ts';

/** Random choices determined by a seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    // In mulberry32 adjacent seeds start with similar numbers, so the first ones are discarded.
    this.#next = randomFrom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    for (let skipped = 0; skipped < 4; skipped++) this.#next();
  }

  /** From 0 up to `end`, exclusive. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Items with weights. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    const total = items.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.#next() * total;
    for (const [weight, item] of items) {
      at -= weight;
      if (at < 0) return item;
    }
    return this.pick(items)[1];
  }

  /** Some distinct items, at most `count`, in random order. */
  some<T>(items: readonly T[], count: number): readonly T[] {
    const left = [...items];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) taken.push(...left.splice(this.below(left.length), 1));
    return taken;
  }
}
