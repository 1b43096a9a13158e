import { boundedText } from '../../core/bounded-text.ts';
import { namingSync } from '../../core/commands.ts';
import type { BoundReport, WriteResult } from '../../core/connector.ts';
import type { StatusReason } from '../../core/error-codes.ts';
import { describeError, type IdraError } from '../../core/errors.ts';
import { encodeOffset, formatOffset, type Offset } from '../../core/offset.ts';
import type {
  Guarantee,
  LastError,
  RequestStatus,
  RowCounts,
  SyncState,
  SyncStatus,
} from '../../core/status.ts';
import type { SkippedRows } from '../../core/sync-store.ts';
import { formatToken, type Token } from '../../core/token.ts';
import type { RunContext } from './context.ts';
import { addSkipped, describeSkipped, noSkippedRows } from './skipped-rows.ts';
import { waitingMessage } from './waiting-message.ts';

/** How far the destination is behind: ms since 1970 of the oldest thing that waits, undefined when it has caught up. */
export type BehindSince = number | undefined;

const mostWarnings = 50;
const warningBytes = 1_024;

/** Gathers what is known of one Sync and hands the whole to the lock, which writes it on change only. */
export class Reporter {
  readonly #context: Pick<RunContext, 'sync' | 'lock' | 'clock' | 'agentName' | 'observer'>;
  readonly #rate: RateMeter;
  #state: SyncState = 'Pending';
  #reason: StatusReason = 'WaitingForAgent';
  #message = 'reaching both systems';
  #rows: RowCounts = { read: 0, written: 0, deleted: 0, rejected: 0 };
  #offset: Offset | null = null;
  #token: Token | undefined;
  #guarantee: Guarantee | undefined;
  #bound: BoundReport | undefined;
  #behindSince: BehindSince;
  #isLagKnown = false;
  #lastError: LastError | undefined;
  #overdueSince: string | undefined;
  /** Until an error says more. */
  #overdueMessage: string | undefined;
  #nextPassMs: number | undefined;
  #requests: RequestStatus[] = [];
  #warnings: readonly string[] = [];
  #others: readonly string[] = [];
  #unread: readonly string[] = [];
  #skipped: SkippedRows = noSkippedRows;
  #reported = '';
  hasCaughtUp = false;
  hasCaughtUpBefore = false;
  lastSyncTime: string | undefined;
  lastPassTime: string | undefined;

  constructor(context: Pick<RunContext, 'sync' | 'lock' | 'clock' | 'agentName' | 'observer'>) {
    this.#context = context;
    this.#rate = new RateMeter();
  }

  get rows(): RowCounts {
    return this.#rows;
  }

  get skipped(): SkippedRows {
    return this.#skipped;
  }

  get offset(): Offset | null {
    return this.#offset;
  }

  /** As it was last seen, until a claim says how it is. */
  seen(rows: Partial<RowCounts>, offset: Offset | null): void {
    this.#rows = { ...this.#rows, ...rows };
    this.#offset = offset;
  }

  claimed(
    token: Token,
    offset: Offset | null,
    totalRows: number,
    guarantee: Guarantee,
    warnings: readonly string[],
  ): void {
    this.#token = token;
    this.#offset = offset;
    // What an owner that was killed had committed, it had read.
    const { read, written } = this.#rows;
    const unknown = read > 0 ? Math.max(0, totalRows - written) : 0;
    this.#rows = { ...this.#rows, read: read + unknown, written: totalRows };
    this.#guarantee = guarantee;
    this.#warnings = warnings;
  }

  /** Names of other Syncs that write the table. */
  others(names: readonly string[], table: string): void {
    this.#others = names.length === 0 ? [] : [`${table} is also written by ${names.join(', ')}`];
  }

  /** Those of earlier runs; none when the rows are read from the beginning. */
  skippedBefore(skipped: SkippedRows): void {
    this.#skipped = skipped;
    this.#rows = { ...this.#rows, rejected: skipped.count };
  }

  batch(read: number, { totalRows, rejected, rejections }: WriteResult, offset: Offset | null): void {
    if (rejected > 0) this.skippedBefore(addSkipped(this.#skipped, rejected, rejections));
    this.#rows = { ...this.#rows, read: this.#rows.read + read, written: totalRows };
    this.#offset = offset;
    this.#rate.add(read, this.#context.clock.monotonicMs());
    if (read > 0) this.lastSyncTime = this.#nowText();
    this.#lastError = undefined;
  }

  behind(since: BehindSince): void {
    this.#behindSince = since;
    this.#isLagKnown = true;
  }

  bound(bound: BoundReport): void {
    this.#bound = bound;
  }

  /** Rows that no pass will ever read, for there is nothing in the field that it reads by. */
  unread(rows: number, field: string): void {
    this.#unread = rows === 0 ? [] : [`${rows} rows have NULL in ${field}: they are never read`];
  }

  request(status: RequestStatus): void {
    this.#requests = [...this.#requests.filter((each) => each.type !== status.type), status];
  }

  requests(known: readonly RequestStatus[]): void {
    this.#requests = [...known];
  }

  /** Taken over between two passes: who holds it now is told at once, and not only at the next pass. */
  awaitsPass(nextPassMs: number): void {
    if (this.#state !== 'Pending') return;
    this.moveTo('Waiting', 'WaitingForSchedule', 'waiting for the next pass by the schedule', nextPassMs);
  }

  /** Between passes. */
  waits(isDone: boolean): void {
    this.moveTo('Waiting', isDone ? 'CaughtUp' : 'HeldBack', waitingMessage(!isDone, this.#bound));
  }

  moveTo(state: SyncState, reason: StatusReason, message: string, nextPassMs?: number): void {
    this.#state = state;
    this.#reason = reason;
    this.#message = message;
    this.#nextPassMs = nextPassMs;
    this.#lastError = undefined;
    this.report();
  }

  failed(error: IdraError, isTransient: boolean, nextTryMs: number | undefined): void {
    const message = namingSync(describeError(error), this.#context.sync);
    this.#lastError = {
      code: error.code,
      message,
      time: this.#nowText(),
      count: (this.#lastError?.code === error.code ? this.#lastError.count : 0) + 1,
      isTransient,
    };
    this.#state = isTransient ? 'Waiting' : 'Failed';
    this.#reason = error.code;
    this.#message = message;
    this.#overdueMessage = undefined;
    this.#nextPassMs = nextTryMs;
    // Whether anything waits is not known while nobody can look.
    if (this.#behindSince === undefined) this.#isLagKnown = false;
    this.report();
  }

  /** Whether rows wait is not known until the pass goes on. */
  overdue(sinceMs: number, doing: string): void {
    this.#overdueSince ??= new Date(sinceMs).toISOString();
    this.#overdueMessage = `a pass is due and has made no progress since ${this.#overdueSince}: ${doing}`;
    if (this.#behindSince === undefined) this.#isLagKnown = false;
    this.report();
  }

  onTime(): void {
    this.#overdueSince = undefined;
    this.#overdueMessage = undefined;
  }

  /** Nothing is said when nothing of weight has changed: a sync that is caught up and finds nothing new writes no status. */
  report(): void {
    const status = this.#status();
    const weight = JSON.stringify({
      ...status,
      observedAt: '',
      lastPassTime: '',
      nextPassTime: '',
      rowsPerSecond: 0,
    });
    if (weight === this.#reported) return;
    this.#reported = weight;
    this.#context.lock.report(status);
    this.#context.observer.reported?.(this.#context.sync, status);
  }

  #nowText(): string {
    return new Date(this.#context.clock.now()).toISOString();
  }

  #standing(): Pick<SyncStatus, 'state' | 'reason' | 'message'> {
    const message = this.#overdueMessage;
    if (message !== undefined)
      return { state: 'Waiting', reason: 'PassOverdue' satisfies StatusReason, message };
    return { state: this.#state, reason: this.#reason, message: this.#message };
  }

  #status(): SyncStatus {
    const { sync, agentName, clock } = this.#context;
    // Plans of wide tables have many, and each may quote a server.
    const warnings = [...this.#warnings, ...this.#others, ...this.#unread, ...describeSkipped(this.#skipped)]
      .slice(0, mostWarnings)
      .map((each) => boundedText(each, warningBytes));
    const isRunning = this.#standing().state === 'Running';
    const rowsPerSecond = isRunning ? this.#rate.perSecond(clock.monotonicMs()) : undefined;
    return defined({
      uid: sync.uid,
      observedGeneration: sync.generation,
      ...this.#standing(),
      agent: agentName,
      hasCaughtUp: this.hasCaughtUp,
      hasCaughtUpBefore: this.hasCaughtUpBefore && !this.hasCaughtUp ? true : undefined,
      rows: this.#rows,
      rowsPerSecond,
      offset: this.#offset ? encodeOffset(this.#offset) : undefined,
      offsetText: this.#offset ? formatOffset(this.#offset) : undefined,
      lagSeconds: this.#isLagKnown ? lagSeconds(this.#behindSince, clock.now()) : undefined,
      observedAt: this.#nowText(),
      lastSyncTime: this.lastSyncTime,
      lastPassTime: this.lastPassTime,
      fencingToken: this.#token === undefined ? undefined : formatToken(this.#token),
      guarantee: this.#guarantee,
      bound: this.#bound,
      lastError: this.#lastError,
      overdueSince: this.#overdueSince,
      nextPassTime:
        this.#nextPassMs === undefined || !Number.isFinite(this.#nextPassMs)
          ? undefined
          : new Date(this.#nextPassMs).toISOString(),
      requests: this.#requests.length > 0 ? this.#requests : undefined,
      warnings: warnings.length > 0 ? warnings : undefined,
    });
  }
}

/** 0 only where nothing waits. */
export function lagSeconds(behindSince: BehindSince, nowMs: number): number {
  return behindSince === undefined ? 0 : Math.max(1, Math.round((nowMs - behindSince) / 1_000));
}

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

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out what is undefined: JSON would, and exact optional types want it so. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;
}
