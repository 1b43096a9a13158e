import type { Coordination } from '../coordination/contract.ts';
import type { Clock } from '../core/clock.ts';
import type { SyncStatus } from '../core/status.ts';
import { trendKinds } from '../core/trend.ts';
import type { ThrottledWarnings } from './throttled-warnings.ts';
import { TrendRecorder } from './trend-recorder.ts';

export interface TrendDeps {
  readonly coordination: Pick<Coordination, 'trends'>;
  readonly agent: string;
  readonly clock: Clock;
  /** Of the Syncs that run here now. */
  readonly statuses: () => Iterable<SyncStatus>;
  readonly isLeader: () => boolean;
  readonly warnings: ThrottledWarnings;
}

/** One agent deletes what is too old. */
const trimMs = 60_000;

/**
 * Stores points of charts until the signal: one small write for all Syncs of an agent every 10 s, at a moment of its own, so that many
 * agents do not write at once. Charts are not worth a retry: a write that fails leaves a gap.
 */
export async function keepTrends(deps: TrendDeps, signal: AbortSignal): Promise<void> {
  const { coordination, agent, clock, statuses, isLeader, warnings } = deps;
  const recorder = new TrendRecorder();
  const { stepMs } = trendKinds.fine;
  const shiftMs = Math.floor(Math.random() * stepMs * 0.8);
  let trimmedMs = 0;
  while (!signal.aborted) {
    const waitMs = stepMs - ((clock.now() - shiftMs) % stepMs);
    await clock.sleep(waitMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      for (const slot of recorder.take(statuses(), clock.now()))
        if (slot.points.size > 0) await coordination.trends.write({ ...slot, agent });
      if (!isLeader() || clock.monotonicMs() - trimmedMs < trimMs) continue;
      trimmedMs = clock.monotonicMs();
      await coordination.trends.trim(clock.now());
    } catch (error) {
      warnings.warn('points of charts were not stored', error);
    }
  }
}
