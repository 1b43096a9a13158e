import type { SeedResult } from '../run/block-run.ts';

/** Counts by the worst verdict of a seed's Syncs, and by category. */
export class Tally {
  seeds = 0;
  equal = 0;
  reported = 0;
  silent = 0;
  statements = 0;
  readonly #categories = new Map<string, number[]>();

  add({ scenario, verdicts, statements, error }: SeedResult): void {
    this.seeds += 1;
    this.statements += statements;
    const kinds = verdicts.map(({ kind }) => kind);
    if (error !== undefined || kinds.includes('silent')) this.silent += 1;
    else if (kinds.includes('reported')) this.reported += 1;
    else this.equal += 1;
    const names =
      error === undefined ? verdicts.map(({ kind, category }) => `${kind}: ${category}`) : ['tester failed'];
    for (const name of new Set(names))
      this.#categories.set(name, [...(this.#categories.get(name) ?? []), scenario.seed]);
  }

  summary(): readonly string[] {
    const rows = [...this.#categories].sort(([, one], [, other]) => other.length - one.length);
    return [
      ...rows.map(
        ([name, seeds]) => `${String(seeds.length).padStart(5)}  ${name}  (${seeds.slice(0, 6).join(' ')})`,
      ),
      `${this.statements} statements`,
      `${this.seeds} seeds, ${this.equal} equal, ${this.reported} reported, ${this.silent} silent`,
    ];
  }
}
