import type { Clock } from '../../core/clock.ts';
import { shareOf } from '../../core/rate-share.ts';
import { type DataSource, qualifiedName } from '../../core/sync-spec.ts';
import type { SyncStore } from '../../core/sync-store.ts';

/** Interval at which changed usage is published to the other agents. */
const reportEveryMs = 1_000;
/** Longest sleep after exceeding the budget: other agents may have become idle meanwhile. */
const recheckMs = 250;
/** Weight of the newest rate in the average of the last seconds. */
const smoothing = 0.3;
/** The demand is above the usage, so that it can grow, and never so low that a new batch waits long. */
const growth = 1.5;
const leastPart = 0.02;
/** After this many seconds without rows the demand is zero; syncs often come back with the next pass. */
const idleTicks = 3;

/** maxRowsPerSecond of one DataSource, for the syncs of this process that move its rows. */
export class RateBudget {
  readonly #clock: Clock;
  readonly #store: SyncStore;
  readonly #name: string;
  #limit = Number.POSITIVE_INFINITY;
  readonly #busy = new Set<string>();
  #isFollowing = false;
  /** Rows that were permitted until `#atMs`. */
  #allowed = 0;
  #atMs = 0;
  /** Rows that are accounted for, on the same scale. */
  #spent = 0;
  #used = 0;
  #rate = 0;
  #hasWaited = false;
  #reportedDemand = '';

  constructor(clock: Clock, store: SyncStore, name: string) {
    this.#clock = clock;
    this.#store = store;
    this.#name = name;
  }

  /** Call when a sync has rows to move. */
  enter(uid: string, limit: number): void {
    this.#limit = limit;
    if (this.#busy.has(uid)) return;
    this.#advance();
    this.#busy.add(uid);
    if (this.#isFollowing) this.#reportDemand();
    else void this.#follow();
  }

  leave(uid: string): void {
    this.#advance();
    if (this.#busy.delete(uid) && this.#busy.size > 0) this.#reportDemand();
  }

  /** Call before rows are written: the time of the write counts as waiting. */
  mark(): number {
    this.#advance();
    return this.#allowed;
  }

  /** Call after rows were written: waits until they are within the limit. A batch is never split for it. */
  async spend(rows: number, mark: number, signal: AbortSignal): Promise<void> {
    // A sync that wakes up slightly late keeps what was permitted meanwhile.
    this.#spent = Math.max(this.#spent, mark - rows / 2) + rows;
    this.#used += rows;
    const paid = this.#spent;
    for (;;) {
      this.#advance();
      const left = paid - this.#allowed;
      if (left <= 0) return;
      this.#hasWaited = true;
      const share = this.#share();
      const waitMs = share > 0 ? Math.min(recheckMs, (left / share) * 1_000) : recheckMs;
      await this.#clock.sleep(Math.max(1, waitMs), signal);
    }
  }

  #share(): number {
    const { own, others } = this.#store.rateDemands(this.#name);
    return shareOf(this.#limit, own, others);
  }

  #advance(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#busy.size > 0) this.#allowed += (this.#share() * Math.max(0, nowMs - this.#atMs)) / 1_000;
    this.#atMs = nowMs;
  }

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    this.#hasWaited = true;
    this.#reportDemand();
    for (let ticks = 0; ticks < idleTicks; ticks++) {
      await this.#clock.sleep(reportEveryMs);
      if (this.#busy.size > 0) ticks = 0;
      this.#advance();
      this.#rate += smoothing * ((this.#used * 1_000) / reportEveryMs - this.#rate);
      this.#used = 0;
      this.#reportDemand();
      this.#hasWaited = false;
    }
    this.#isFollowing = false;
    this.#reportedDemand = '';
    this.#store.setRateDemand(this.#name, undefined);
  }

  #reportDemand(): void {
    const syncs = Math.max(1, this.#busy.size);
    const wanted = Math.max(this.#rate * growth, this.#limit * leastPart);
    // Rounded to steps, so that noise is not published.
    const rowsPerSecond = 2 ** (Math.ceil(Math.log2(wanted) * 2) / 2);
    const isModest = !this.#hasWaited && rowsPerSecond < this.#limit;
    const demand = { syncs, ...(isModest && { rowsPerSecond }) };
    const text = JSON.stringify(demand);
    if (text === this.#reportedDemand) return;
    this.#reportedDemand = text;
    this.#store.setRateDemand(this.#name, demand);
  }
}

/** The budgets of all data sources with a rate limit. */
export class RateBudgets {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, RateBudget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(dataSource: DataSource, store: SyncStore): RateBudget {
    const name = qualifiedName(dataSource);
    const known = this.#budgets.get(name) ?? new RateBudget(this.#clock, store, name);
    this.#budgets.set(name, known);
    return known;
  }
}
