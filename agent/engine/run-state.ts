import type { IdraError } from '../../core/errors.ts';
import { decodeStored } from '../../core/offset.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import type { BatchHolder } from './batch-memory.ts';
import type { RunContext } from './context.ts';
import { addressesOf, offsetFingerprint } from './offset-fingerprint.ts';
import type { HeldBack } from './pass-end.ts';
import { PassWatch } from './pass-watch.ts';
import { Reporter } from './reporter.ts';
import { noSkippedRows } from './skipped-rows.ts';
import { Throttle } from './throttle.ts';
import { Wake } from './wake.ts';

/** If the last recorded start is older than the actual one, the next owner runs a pass too early and finds nothing. */
const passStartEveryMs = 10 * 60_000;

/** State that lives as long as this run, across reconnects. */
export class RunState {
  readonly context: RunContext;
  /** The offset fingerprint, from the Sync's spec and the addresses of its systems. */
  readonly fingerprint: string;
  readonly wake: Wake;
  readonly reporter: Reporter;
  readonly throttle: Throttle;
  readonly watch: PassWatch;
  readonly holder: BatchHolder;
  /** The shadow table of an unfinished Replace pass was filled by another plan, or the source cannot continue the pass. */
  mustRestartPass = false;
  /** All columns with those that were added for new fields of records: known here before an offset with them is stored. */
  addedColumns: readonly RecordColumn[] = [];
  /** Rows that existed when a pass began are still not final. */
  heldBack: HeldBack | undefined;
  /** The last pass had rows, so the next one probably has, too. */
  hasMovedRows = false;
  /** A pass has begun, or was requested, and is not complete. */
  isPassDue = false;
  /** A pass was requested, for example by `run-now`. */
  isPassRequested = false;
  #progress: SyncProgress;
  #failures = 0;
  #silentOpenings = 0;
  #firstFailureMs: number | undefined;
  #hasReplanned = false;
  /** Start of a pass that found nothing, as last written. */
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
        progress.fingerprint === this.fingerprint &&
        (progress.generation ?? generation) === generation,
      hasCaughtUpBefore: progress.generation !== undefined && progress.generation !== generation,
      lastSyncTime: progress.lastSyncTime,
    });
    this.reporter.skippedBefore(progress.skipped ?? noSkippedRows);
    this.reporter.seen({ written: progress.rows ?? 0, ...progress.counts }, decodeStored(offset));
    this.watch = new PassWatch(context.clock, this.reporter);
    this.holder = { namespace: context.sync.namespace, isKnownSlow: false, isWaiting: false };
  }

  get progress(): SyncProgress {
    return this.#progress;
  }

  /** Consecutive transient failures without progress between them. */
  get failures(): number {
    return this.#failures;
  }

  /** Consecutive attempts in which a server accepted the connection, and then did not answer. */
  get silentOpenings(): number {
    return this.#silentOpenings;
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

  /** For a pass that found nothing, its start is written only from time to time. */
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

  /** A batch or a pass is durable: earlier failures are over. */
  progressed(): void {
    this.#failures = 0;
    this.#silentOpenings = 0;
    this.#firstFailureMs = undefined;
    this.#hasReplanned = false;
    this.watch.progressed();
    const isKnown = (this.#progress.skipped?.count ?? 0) === this.reporter.skipped.count;
    if (!isKnown) this.rememberMovedRows().catch(() => {}); // the lock is lost, which ends the run by itself
  }

  /** Counts one more failure; returns for how long there have been only failures. */
  failed({ code }: IdraError): number {
    this.mustRestartPass ||= code === 'PagesShifted';
    const nowMs = this.context.clock.monotonicMs();
    this.#failures += 1;
    this.#silentOpenings = code === 'ServerSilent' ? this.#silentOpenings + 1 : 0;
    this.#firstFailureMs ??= nowMs;
    return nowMs - this.#firstFailureMs;
  }

  /**
   * A changed schema is not a failure: both ends are opened and planned again, at once unless the same change occurred without progress
   * in between, which is retried with backoff.
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

  /** The recorded facts about the moved rows. */
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
