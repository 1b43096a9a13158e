import { Cron } from 'croner';
import type { Schedule } from '../../core/sync-spec.ts';

/**
 * When the next pass is due, ms since 1970. Passes never overlap; missed ones are made up by a single pass. `lastStartMs`: start of the
 * last pass that was due by the schedule; undefined: there was none, so a pass is due at once.
 */
export function nextPassMs(schedule: Schedule, lastStartMs: number | undefined, nowMs: number): number {
  // The clock of an earlier owner was ahead: an extra pass is harmless, a long wait is not.
  if (lastStartMs !== undefined && lastStartMs > nowMs) return nowMs;
  switch (schedule.kind) {
    case 'continuous':
    case 'once':
      return nowMs;
    case 'every':
      return lastStartMs === undefined ? nowMs : Math.max(nowMs, lastStartMs + schedule.everyMs);
    case 'cron': {
      const cron = new Cron(schedule.cron, { timezone: schedule.timeZone, paused: true });
      const next = cron.nextRun(new Date(lastStartMs ?? nowMs));
      if (next === null) return Number.POSITIVE_INFINITY;
      return Math.max(nowMs, next.getTime());
    }
  }
}

/** How long a continuous sync waits after a pass without rows. */
export const continuousIdleMs = 500;
