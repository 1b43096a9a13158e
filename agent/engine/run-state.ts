import type { SyncProgress } from '../../core/sync-store.ts';
import type { RunContext } from './context.ts';
import type { PassWatch } from './pass-watch.ts';
import type { Reporter } from './reporter.ts';
import type { Throttle } from './throttle.ts';
import type { Wake } from './wake.ts';

/** What lives as long as this run, over every reconnect. */
export interface RunState {
  readonly context: RunContext;
  readonly wake: Wake;
  readonly reporter: Reporter;
  readonly throttle: Throttle;
  readonly watch: PassWatch;
  memory: SyncProgress;
  /** Transient failures in a row, without progress between. */
  failures: number;
  firstFailureMs: number | undefined;
  /** Planned again for a changed schema, without progress since: the same once more is retried with backoff. */
  hasReplanned: boolean;
  /** The shadow table of an unfinished Replace pass was filled by another plan. */
  mustRestartPass: boolean;
  /** Rows that were there when a pass began are still not final. */
  heldBack: HeldBack | undefined;
  /** The last pass had rows: the next one very likely has, too. */
  hasMovedRows: boolean;
  /** Of a pass that found nothing, as it was last written. */
  writtenPassStartMs: number;
  /** A pass has begun, or was asked for, and is not complete. */
  isPassDue: boolean;
  /** By run-now. */
  isAskedFor: boolean;
}

export interface HeldBack {
  /** PassEnd.mark. */
  readonly mark: string | undefined;
  /** Begin of the first pass that they were held back from. */
  readonly sinceMs: number;
}

/** Written only on change. */
export async function remember(state: RunState, change: Partial<SyncProgress>): Promise<void> {
  const next = { ...state.memory, ...change };
  if (JSON.stringify(next) === JSON.stringify(state.memory)) return;
  state.memory = next;
  await state.context.lock.writeProgress(next);
}

/** The next owner makes a pass too early, and finds nothing, where the last start that was written is older than the last one. */
const passStartEveryMs = 10 * 60_000;

/** As `remember`, of a pass that found nothing: when it began is written now and then only. */
export async function rememberIdle(state: RunState, change: Partial<SyncProgress>): Promise<void> {
  const { lastPassStart, ...rest } = change;
  const startMs = lastPassStart === undefined ? 0 : Date.parse(lastPassStart);
  if (startMs - state.writtenPassStartMs >= passStartEveryMs) {
    state.writtenPassStartMs = startMs;
    await remember(state, change);
    return;
  }
  await remember(state, rest);
  if (lastPassStart !== undefined) state.memory = { ...state.memory, lastPassStart };
}

/** What is remembered of the rows that were moved. */
export function movedRows({ reporter }: RunState): Partial<SyncProgress> {
  const { lastSyncTime, rows, skipped } = reporter;
  const { read, written, deleted } = rows;
  return {
    rows: written,
    counts: { read, deleted },
    skipped,
    ...(lastSyncTime === undefined ? {} : { lastSyncTime }),
  };
}

/** A batch or a pass is durable: what failed before is over. */
export function progressed(state: RunState): void {
  state.failures = 0;
  state.firstFailureMs = undefined;
  state.hasReplanned = false;
  state.watch.progressed();
  const isKnown = (state.memory.skipped?.count ?? 0) === state.reporter.skipped.count;
  if (!isKnown) remember(state, movedRows(state)).catch(() => {}); // the lock is gone, which ends the run by itself
}
