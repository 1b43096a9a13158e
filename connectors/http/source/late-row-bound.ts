import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { instantMs } from '../../../core/instant.ts';
import type { BoundReport } from '../../../core/pass-end.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import type { Compare } from './field-order.ts';

/** An API does not show what it is writing, so only safetyLag covers items that appear late (Invariant 10). */
export const lagReport: BoundReport = {
  kind: 'safetyLag',
  because: 'an API does not show open transactions',
};
export const snapshotReport: BoundReport = { kind: 'none', because: 'a snapshot reads all rows' };

/** A longer wait is left to the next pass. */
const longestWaitMs = 60_000;

export const lagOf = ({ safetyLagMs }: Pick<ReadRequest, 'safetyLagMs'>): number =>
  safetyLagMs ?? defaultSafetyLagMs;

/**
 * The time below which items are final, as milliseconds since 1970: by the clock of the API and by that of the agent, whichever is behind,
 * in whole seconds, because some APIs show no more of a time.
 */
export function timeBoundMs(request: ReadRequest, apiMs: number | undefined, clock: Clock): number {
  const nowMs = Math.min(apiMs ?? Number.POSITIVE_INFINITY, clock.now());
  return Math.floor((nowMs - lagOf(request)) / 1_000) * 1_000;
}

const dayMs = 86_400_000;

/** A date stands for all times of its day, so more items with it may appear until the day is over. */
export function isBefore(canonical: string, boundMs: number, timeZone: string): boolean {
  const ms = instantMs(canonical, timeZone);
  if (ms === undefined) return false;
  return canonical.includes(':') ? ms < boundMs : ms + dayMs <= boundMs;
}

/**
 * Mode Id: the largest id that was seen safetyLag ago is final, and so is everything below it. The list is looked through for it before it
 * is read, unless safetyLag is 0.
 */
export class IdBound {
  readonly #marks: SeenMarks;
  readonly #lagMs: number;
  readonly #clock: Clock;
  readonly #compare: Compare;

  constructor(lagMs: number, clock: Clock, compare: Compare) {
    this.#marks = new SeenMarks(clock, lagMs);
    this.#lagMs = lagMs;
    this.#clock = clock;
    this.#compare = compare;
  }

  /** The largest id that is final; undefined: none above `since` is. `mayWait`: until the largest one is. */
  async take(
    {
      largest,
      since,
      mayWait,
    }: { readonly largest: string; readonly since: string | undefined; readonly mayWait: boolean },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    this.#marks.add(largest);
    const seenMs = this.#clock.monotonicMs();
    for (;;) {
      const settled = this.#marks.settled();
      if (settled !== undefined && (since === undefined || this.#compare(settled, since) > 0)) return settled;
      const waitMs = seenMs + this.#lagMs - this.#clock.monotonicMs();
      if (!mayWait || waitMs > longestWaitMs) return undefined;
      await this.#clock.sleep(Math.max(1, Math.ceil(waitMs) + 1), signal);
    }
  }
}
