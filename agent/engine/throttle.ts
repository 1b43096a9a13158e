import type { Clock } from '../../core/clock.ts';
import type { DataSource } from '../../core/sync-spec.ts';
import type { SyncStore } from '../../core/sync-store.ts';

/**
 * Keeps this sync within its part of maxRowsPerSecond of both its data sources: the limit divided by the syncs that use it.
 * Debts are paid by sleeping after a batch, so that a batch is never cut for it.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #limits: () => number;
  #freeAtMs = 0;

  constructor(clock: Clock, store: SyncStore, dataSources: readonly DataSource[]) {
    this.#clock = clock;
    this.#limits = () =>
      Math.min(
        ...dataSources.map(
          (each) =>
            (each.spec.maxRowsPerSecond ?? Number.POSITIVE_INFINITY) / Math.max(1, store.countUsers(each)),
        ),
      );
  }

  async spend(rows: number, signal: AbortSignal): Promise<void> {
    const limit = this.#limits();
    if (limit === Number.POSITIVE_INFINITY) return;
    const now = this.#clock.monotonicMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + (rows / limit) * 1_000;
    if (this.#freeAtMs > now) await this.#clock.sleep(this.#freeAtMs - now, signal);
  }
}
