import type { RunContext } from './context.ts';
import type { RateBudget } from './rate-budget.ts';

/**
 * Keeps a sync within maxRowsPerSecond of both its data sources: one budget each, which whoever has rows may use. What was used too much is
 * waited for after a batch.
 */
export class Throttle {
  readonly #uid: string;
  readonly #budgets: readonly { readonly budget: RateBudget; readonly limit: number }[];

  constructor({ sync, source, destination, shared, store }: RunContext) {
    this.#uid = sync.uid;
    this.#budgets = [source, destination].flatMap((dataSource) => {
      const limit = dataSource.spec.maxRowsPerSecond;
      return limit === undefined ? [] : [{ budget: shared.rates.of(dataSource, store), limit }];
    });
  }

  /** Before a batch is written. */
  begin(): readonly number[] {
    return this.#budgets.map(({ budget, limit }) => {
      budget.enter(this.#uid, limit);
      return budget.mark();
    });
  }

  async spend(rows: number, began: readonly number[], signal: AbortSignal): Promise<void> {
    for (const [index, { budget }] of this.#budgets.entries())
      await budget.spend(rows, began[index] ?? 0, signal);
  }

  /** There are no rows any more. */
  end(): void {
    for (const { budget } of this.#budgets) budget.leave(this.#uid);
  }
}
