import { namingSync } from '../../core/commands.ts';
import type { Guarantee, PassEnd, WriteResult } from '../../core/connector.ts';
import { counted } from '../../core/counted.ts';
import type { StatusReason } from '../../core/error-codes.ts';
import { describeError, type IdraError } from '../../core/errors.ts';
import type { Offset } from '../../core/offset.ts';
import type { RequestStatus, RowCounts, SyncState } from '../../core/status.ts';
import type { SkippedRows } from '../../core/sync-store.ts';
import type { Token } from '../../core/token.ts';
import type { RunContext } from './context.ts';
import { addSkipped } from './skipped-rows.ts';
import {
  type BehindSince,
  emptyDraft,
  type StatusDraft,
  significantParts,
  statusOf,
} from './status-draft.ts';
import { waitingMessage } from './waiting-message.ts';

type ReporterContext = Pick<RunContext, 'sync' | 'lock' | 'clock' | 'agentName' | 'observer'>;

/** What a claim reports about a Sync. */
interface ClaimReport {
  readonly token: Token;
  readonly offset: Offset | null;
  readonly totalRows: number;
  readonly guarantee: Guarantee;
  readonly warnings: readonly string[];
}

/** Keeps the draft of one Sync's status, and passes the status to the lock, which writes it on change only. */
export class Reporter {
  readonly #context: ReporterContext;
  readonly #rate = new RateMeter();
  #draft: StatusDraft;
  #reported = '';

  constructor(
    context: ReporterContext,
    known: Pick<StatusDraft, 'hasCaughtUp' | 'hasCaughtUpBefore' | 'lastSyncTime'>,
  ) {
    this.#context = context;
    this.#draft = { ...emptyDraft, ...known };
  }

  get rows(): RowCounts {
    return this.#draft.rows;
  }

  get skipped(): SkippedRows {
    return this.#draft.skipped;
  }

  get lastSyncTime(): string | undefined {
    return this.#draft.lastSyncTime;
  }

  /** Last known values, until a claim determines the current ones. */
  seen(rows: Partial<RowCounts>, offset: Offset | null): void {
    this.#change({ rows: { ...this.#draft.rows, ...rows }, offset });
  }

  claimed({ token, offset, totalRows, guarantee, warnings }: ClaimReport): void {
    // An owner that was killed had read at least what it committed.
    const { read, written } = this.#draft.rows;
    const unknown = read > 0 ? Math.max(0, totalRows - written) : 0;
    this.#change({
      token,
      offset,
      rows: { ...this.#draft.rows, read: read + unknown, written: totalRows },
      guarantee,
      warnings: { ...this.#draft.warnings, plan: warnings },
    });
  }

  /** Names of other Syncs that write to the table. */
  others(names: readonly string[], table: string): void {
    const others = names.length === 0 ? [] : [`${table} is also written by ${names.join(', ')}`];
    this.#change({ warnings: { ...this.#draft.warnings, others } });
  }

  /** Skipped rows of earlier runs; none if the rows are read from the beginning. */
  skippedBefore(skipped: SkippedRows): void {
    this.#change({ skipped, rows: { ...this.#draft.rows, rejected: skipped.count } });
  }

  batch(read: number, result: WriteResult, offset: Offset | null): void {
    const { totalRows, deleted, rejected, rejections } = result;
    if (rejected > 0) this.skippedBefore(addSkipped(this.#draft.skipped, rejected, rejections));
    const { rows } = this.#draft;
    this.#rate.add(read, this.#context.clock.monotonicMs());
    this.#change({
      rows: { ...rows, read: rows.read + read, written: totalRows, deleted: rows.deleted + deleted },
      offset,
      lastError: undefined,
      ...(read > 0 && { lastSyncTime: this.#nowText() }),
    });
  }

  behind(behindSince: BehindSince): void {
    this.#change({ behindSince, isLagKnown: true });
  }

  /** A pass has reached its end. */
  passEnded({ bound, parts }: Pick<PassEnd, 'bound' | 'parts'>, endMs: number): void {
    this.#change({ bound, parts, lastPassTime: new Date(endMs).toISOString() });
  }

  caughtUp(): void {
    this.#change({ hasCaughtUp: true });
  }

  /** The earlier caught-up state does not apply to the new start. */
  startsAgain(): void {
    this.#change({ hasCaughtUp: false });
  }

  /** Rows that no pass will ever read because the field that it reads by is NULL. */
  unread(rows: number, field: string): void {
    const unread =
      rows === 0
        ? []
        : [
            `${counted(rows, 'row')} ${rows === 1 ? 'has' : 'have'} NULL in ${field} and ${rows === 1 ? 'is' : 'are'} never read`,
          ];
    this.#change({ warnings: { ...this.#draft.warnings, unread } });
  }

  /** Fields of records without a column (schemaChanges: Ignore). */
  leftOut(fields: readonly string[]): void {
    const known = this.#draft.leftOutFields;
    const all = [...new Set([...known, ...fields])].slice(0, mostFieldsNamed);
    if (all.length > known.length) this.#change({ leftOutFields: all });
  }

  request(status: RequestStatus): void {
    const others = this.#draft.requests.filter((each) => each.type !== status.type);
    this.#change({ requests: [...others, status] });
  }

  /** Taken over between two passes: the new holder is reported at once, not only at the next pass. */
  awaitsPass(nextPassMs: number): void {
    if (this.#draft.state !== 'Pending') return;
    this.moveTo('Waiting', 'WaitingForSchedule', 'waiting for the next scheduled pass', nextPassMs);
  }

  /** The sync waits between two passes. */
  waits(isDone: boolean): void {
    this.moveTo('Waiting', isDone ? 'CaughtUp' : 'HeldBack', waitingMessage(!isDone, this.#draft.bound));
  }

  moveTo(state: SyncState, reason: StatusReason, message: string, nextPassMs?: number): void {
    this.#change({ state, reason, message, nextPassMs, lastError: undefined });
    this.report();
  }

  failed(error: IdraError, isTransient: boolean, nextTryMs: number | undefined): void {
    const { lastError, overdue } = this.#draft;
    const message = namingSync(describeError(error), this.#context.sync);
    const count = (lastError?.code === error.code ? lastError.count : 0) + 1;
    this.#change({
      state: isTransient ? 'Waiting' : 'Failed',
      reason: error.code,
      message,
      nextPassMs: nextTryMs,
      lastError: { code: error.code, message, time: this.#nowText(), count, isTransient },
      overdue: overdue && { since: overdue.since },
    });
    this.#lagIsUnknown();
    this.report();
  }

  overdue(sinceMs: number, doing: string): void {
    const since = this.#draft.overdue?.since ?? new Date(sinceMs).toISOString();
    this.#change({
      overdue: { since, message: `a pass is due and has made no progress since ${since}: ${doing}` },
    });
    this.#lagIsUnknown();
    this.report();
  }

  onTime(): void {
    this.#change({ overdue: undefined });
  }

  report(): void {
    const { sync, agentName, clock, lock, observer } = this.#context;
    const status = statusOf(this.#draft, {
      sync,
      agent: agentName,
      nowMs: clock.now(),
      rowsPerSecond: this.#rate.perSecond(clock.monotonicMs()),
    });
    const parts = significantParts(status);
    if (parts === this.#reported) return;
    this.#reported = parts;
    lock.report(status);
    observer.reported?.(sync, status);
  }

  #change(change: Partial<StatusDraft>): void {
    this.#draft = { ...this.#draft, ...change };
  }

  /** Whether rows wait cannot be determined. */
  #lagIsUnknown(): void {
    if (this.#draft.behindSince === undefined) this.#change({ isLagKnown: false });
  }

  #nowText(): string {
    return new Date(this.#context.clock.now()).toISOString();
  }
}

const mostFieldsNamed = 20;

/** Rows per second over a window of ten seconds. */
class RateMeter {
  #samples: { readonly atMs: number; readonly rows: number }[] = [];

  add(rows: number, atMs: number): void {
    this.#samples.push({ atMs, rows });
    this.#samples = this.#samples.filter((sample) => sample.atMs > atMs - 10_000);
  }

  perSecond(nowMs: number): number {
    const recent = this.#samples.filter((sample) => sample.atMs > nowMs - 10_000);
    const first = recent[0];
    if (!first) return 0;
    const rows = recent.reduce((sum, sample) => sum + sample.rows, 0);
    return Math.round(rows / Math.max(1, (nowMs - first.atMs) / 1_000));
  }
}
