import type { RunContext } from './context.ts';
import type { RateBudget } from './rate-budget.ts';

/**
 * Keeps a sync within maxRowsPerSecond of both its data sources: one budget each, shared by all syncs that have rows. An excess is waited
 * for after a batch.
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

  /** Call before a batch is written. */
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

  /** There are no more rows. */
  end(): void {
    for (const { budget } of this.#budgets) budget.leave(this.#uid);
  }
}
