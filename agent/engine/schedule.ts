import { Cron } from 'croner';
import type { Schedule } from '../../core/sync-spec.ts';

/**
 * When the next pass is due, ms since 1970. Passes never overlap; missed ones are made up by one.
 * `lastStartMs`: start of the last pass that was due by the schedule; undefined: never, so at once.
 */
export function nextPassMs(schedule: Schedule, lastStartMs: number | undefined, nowMs: number): number {
  // An earlier owner's clock was ahead: a pass too many does no harm, a long wait does.
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

/** How long a continuous sync that found nothing waits before it looks again. */
export const continuousIdleMs = 500;
