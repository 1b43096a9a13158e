import { decodeStored } from '../../core/offset.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import type { RunContext } from './context.ts';
import { addressesOf, offsetFingerprint } from './offset-fingerprint.ts';
import type { HeldBack } from './pass-end.ts';
import { PassWatch } from './pass-watch.ts';
import { Reporter } from './reporter.ts';
import { noSkippedRows } from './skipped-rows.ts';
import { Throttle } from './throttle.ts';
import { Wake } from './wake.ts';

/** The next owner makes a pass too early, and finds nothing, where the last start that was written is older than the last one. */
const passStartEveryMs = 10 * 60_000;

/** What lives as long as this run, over every reconnect. */
export class RunState {
  readonly context: RunContext;
  /** Of what an offset means, by the Sync's spec and the addresses of its systems. */
  readonly fingerprint: string;
  readonly wake: Wake;
  readonly reporter: Reporter;
  readonly throttle: Throttle;
  readonly watch: PassWatch;
  /** The shadow table of an unfinished Replace pass was filled by another plan. */
  mustRestartPass = false;
  /** Rows that were there when a pass began are still not final. */
  heldBack: HeldBack | undefined;
  /** The last pass had rows: the next one very likely has, too. */
  hasMovedRows = false;
  /** A pass has begun, or was asked for, and is not complete. */
  isPassDue = false;
  /** By run-now. */
  isAskedFor = false;
  #progress: SyncProgress;
  #failures = 0;
  #firstFailureMs: number | undefined;
  #hasReplanned = false;
  /** Of a pass that found nothing, as it was last written. */
  #writtenPassStartMs = 0;

  static async begin(context: RunContext): Promise<RunState> {
    const progress = (await context.lock.readProgress()) ?? noProgress;
    return new RunState(context, progress, await context.lock.offsets.read());
  }

  private constructor(context: RunContext, progress: SyncProgress, offset: string | null) {
    this.context = context;
    this.fingerprint = offsetFingerprint(context.sync, addressesOf(context));
    this.wake = new Wake(context);
    this.throttle = new Throttle(context);
    this.#progress = progress;
    const { generation } = context.sync;
    this.reporter = new Reporter(context, {
      hasCaughtUp:
        progress.hasCaughtUp &&
        progress.meaning === this.fingerprint &&
        (progress.generation ?? generation) === generation,
      hasCaughtUpBefore: progress.generation !== undefined && progress.generation !== generation,
      lastSyncTime: progress.lastSyncTime,
    });
    this.reporter.skippedBefore(progress.skipped ?? noSkippedRows);
    this.reporter.seen({ written: progress.rows ?? 0, ...progress.counts }, decodeStored(offset));
    this.watch = new PassWatch(context.clock, this.reporter);
  }

  get progress(): SyncProgress {
    return this.#progress;
  }

  /** Transient failures in a row, without progress between. */
  get failures(): number {
    return this.#failures;
  }

  /** Written only on change. */
  async remember(change: Partial<SyncProgress>): Promise<void> {
    const next = { ...this.#progress, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#progress)) return;
    this.#progress = next;
    await this.context.lock.writeProgress(next);
  }

  async rememberMovedRows(): Promise<void> {
    await this.remember(this.#movedRows());
  }

  /** Of a pass that found nothing, when it began is written now and then only. */
  async rememberPass(change: Partial<SyncProgress>): Promise<void> {
    const { lastPassStart, ...rest } = { ...change, ...this.#movedRows() };
    const startMs = lastPassStart === undefined ? 0 : Date.parse(lastPassStart);
    const isOld = startMs - this.#writtenPassStartMs >= passStartEveryMs;
    if (this.hasMovedRows || isOld) {
      if (!this.hasMovedRows) this.#writtenPassStartMs = startMs;
      await this.remember({ ...rest, ...(lastPassStart !== undefined && { lastPassStart }) });
      return;
    }
    await this.remember(rest);
    if (lastPassStart !== undefined) this.#progress = { ...this.#progress, lastPassStart };
  }

  /** A batch or a pass is durable: what failed before is over. */
  progressed(): void {
    this.#failures = 0;
    this.#firstFailureMs = undefined;
    this.#hasReplanned = false;
    this.watch.progressed();
    const isKnown = (this.#progress.skipped?.count ?? 0) === this.reporter.skipped.count;
    if (!isKnown) this.rememberMovedRows().catch(() => {}); // the lock is gone, which ends the run by itself
  }

  /** Counts one more failure; returns for how long there was nothing but failures. */
  failed(): number {
    const nowMs = this.context.clock.monotonicMs();
    this.#failures += 1;
    this.#firstFailureMs ??= nowMs;
    return nowMs - this.#firstFailureMs;
  }

  /**
   * A changed schema is no failure: both ends are opened and planned again, at once unless the same came without progress between, which
   * is retried with backoff.
   */
  planAgain(): boolean {
    this.mustRestartPass ||= this.context.sync.spec.writeMode === 'Replace';
    if (this.#hasReplanned) return false;
    this.#hasReplanned = true;
    return true;
  }

  close(): void {
    this.watch.stop();
    this.wake.close();
  }

  /** What is remembered of the rows that were moved. */
  #movedRows(): Partial<SyncProgress> {
    const { lastSyncTime, rows, skipped } = this.reporter;
    const { read, written, deleted } = rows;
    return {
      rows: written,
      counts: { read, deleted },
      skipped,
      ...(lastSyncTime === undefined ? {} : { lastSyncTime }),
    };
  }
}
