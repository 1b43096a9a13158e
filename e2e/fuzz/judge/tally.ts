import type { SeedResult } from '../run/block-run.ts';
import type { StatementCount } from '../run/writers.ts';

/** Kinds of statements that prepare a scenario, or change no row by themselves. */
const preparing: ReadonlySet<string> = new Set([
  'create',
  'create (destination)',
  'first rows',
  'transaction',
]);

/** Counts by the worst verdict of a seed's Syncs, and by category; statements by kind. */
export class Tally {
  seeds = 0;
  equal = 0;
  reported = 0;
  silent = 0;
  /** Seeds whose Syncs have written rows. */
  moved = 0;
  /** Seeds of which the servers have refused every change: they show nothing. */
  readonly worthless: number[] = [];
  readonly statements = new Map<string, StatementCount>();
  readonly #categories = new Map<string, number[]>();

  add(result: SeedResult): void {
    const { scenario, verdicts, error, written } = result;
    this.seeds += 1;
    if (written > 0) this.moved += 1;
    this.#count(result);
    const kinds = verdicts.map(({ kind }) => kind);
    if (error !== undefined || kinds.includes('silent')) this.silent += 1;
    else if (kinds.includes('reported')) this.reported += 1;
    else this.equal += 1;
    const names =
      error === undefined ? verdicts.map(({ kind, category }) => `${kind}: ${category}`) : ['tester failed'];
    for (const name of new Set(names))
      this.#categories.set(name, [...(this.#categories.get(name) ?? []), scenario.seed]);
  }

  #count({ scenario, statements }: SeedResult): void {
    const changes = [...statements].filter(([kind]) => !preparing.has(kind));
    if (changes.length > 0 && changes.every(([, { done }]) => done === 0)) this.worthless.push(scenario.seed);
    for (const [kind, { done, refused }] of statements) {
      const sum = this.statements.get(kind) ?? { done: 0, refused: 0 };
      this.statements.set(kind, { done: sum.done + done, refused: sum.refused + refused });
    }
  }

  summary(): readonly string[] {
    const rows = [...this.#categories].sort(([, one], [, other]) => other.length - one.length);
    const counts = [...this.statements].sort(([, one], [, other]) => other.done - one.done);
    const sum = (of: keyof StatementCount) => counts.reduce((all, [, count]) => all + count[of], 0);
    return [
      ...rows.map(
        ([name, seeds]) => `${String(seeds.length).padStart(5)}  ${name}  (${seeds.slice(0, 6).join(' ')})`,
      ),
      ...counts.map(([kind, { done, refused }]) => {
        const more = refused > 0 ? `, ${refused} refused` : '';
        return `${String(done).padStart(5)}  ${kind}${more}`;
      }),
      `${sum('done')} statements, ${sum('refused')} refused`,
      `${this.moved} seeds moved rows; in ${this.worthless.length} every change was refused${this.worthless.length > 0 ? ` (${this.worthless.slice(0, 6).join(' ')})` : ''}`,
      `${this.seeds} seeds, ${this.equal} equal, ${this.reported} reported, ${this.silent} silent`,
    ];
  }
}
