import type { PassEnd, ReadRequest } from '../../core/connector.ts';
import { instantMs } from '../../core/instant.ts';
import type { Reporter } from './reporter.ts';
import type { BehindSince } from './status-draft.ts';

/** Rows that existed when a pass began and are not final yet. */
export interface HeldBack {
  /** PassEnd.mark. */
  readonly mark: string | undefined;
  /** Start of the first pass that did not read them. */
  readonly sinceMs: number;
}

/** The time since which rows have been waiting. Stream: the commit of the last change that was read. By ids: the start of the oldest pass that found rows which are not moved yet. */
export function behindSince(
  { mode, timeZone }: ReadRequest,
  timestamp: string | undefined,
  sinceMs: number,
): BehindSince {
  if (mode === 'Stream' && timestamp !== undefined) return instantMs(timestamp, timeZone);
  if (mode !== 'Timestamp') return sinceMs;
  return timestamp === undefined ? undefined : instantMs(timestamp, timeZone);
}

export interface PassEnded {
  readonly reporter: Reporter;
  readonly request: ReadRequest;
  readonly end: PassEnd;
  /** Held back from earlier passes. */
  readonly before: HeldBack | undefined;
  readonly startMs: number;
  readonly endMs: number;
}

/** What is still held back of the rows that existed when this pass, or an earlier one, began. */
export function reportEnd({
  reporter,
  request,
  end,
  before,
  startMs,
  endMs,
}: PassEnded): HeldBack | undefined {
  const { oldestWaiting, mark } = end;
  const heldBack = end.isHeldBack ? { mark, sinceMs: before?.sinceMs ?? startMs } : undefined;
  reporter.passEnded(end, endMs);
  reporter.unread(end.nullRows ?? 0, request.timestampField ?? request.key[0] ?? '');
  const oldestMs = oldestWaiting === undefined ? undefined : instantMs(oldestWaiting, request.timeZone);
  // A timestamp in the future cannot be a waiting time.
  const isPast = oldestMs !== undefined && oldestMs <= endMs;
  // An id carries no time: the waiting rows existed when this pass ended.
  const waitingMs = oldestMs ?? (end.hasRowsWaiting ? startMs : undefined);
  reporter.behind(isPast ? oldestMs : (heldBack?.sinceMs ?? waitingMs));
  return heldBack;
}
