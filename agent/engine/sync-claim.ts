import type { CommitRow } from '../../core/connector.ts';
import { decodeStored, encodeOffset, type Offset } from '../../core/offset.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { isLastDestination } from '../../core/sync-spec.ts';
import { claimAgain, claimSync, hasMissing, requireTarget, withCreated } from './claim.ts';
import { type OpenSync, openSync, withOffsets } from './open-sync.ts';
import { requireRunnable } from './plan.ts';
import { largestAtDestination } from './read-request.ts';
import { type KnownColumns, requireStoredColumns, storedColumns, withAdded } from './record-columns.ts';
import { decisionOf } from './requests.ts';
import type { RunState } from './run-state.ts';
import { untilStopped } from './until-stopped.ts';

const secretCheckMs = 60_000;
const targetCheckMs = 5_000;

export interface Opened {
  readonly open: OpenSync;
  /** The commit row as last read. */
  readonly claim: CommitRow;
}

/**
 * The open ends of a Sync and this run's claim of the destination. A rest releases the connections and the claim; the plan and the offset
 * are kept.
 */
export class SyncClaim {
  readonly #state: RunState;
  #open: OpenSync | undefined;
  #claim: CommitRow | undefined;
  #isHeld = false;
  /** The destination had rows: if it is empty now, it is a different one. */
  #hadRows = false;
  #offset: Offset | null = null;
  #secretsCheckedMs = 0;
  #targetCheckedMs = 0;

  constructor(state: RunState) {
    this.#state = state;
  }

  /** Where the next pass continues. */
  get offset(): Offset | null {
    return this.#offset;
  }

  get isClaimed(): boolean {
    return this.#claim !== undefined;
  }

  /** The next step also needs the destination. */
  get needsDestination(): boolean {
    return !this.#open || isLastDestination(this.#state.context.sync.spec) || this.#isTargetCheckDue();
  }

  /** Opens, plans, admits and claims, once. */
  async opened(): Promise<Opened> {
    if (this.#open && this.#claim) return { open: this.#open, claim: this.#claim };
    const { context, watch } = this.#state;
    await this.close();
    watch.doing('connecting to both systems');
    const prepared = await context.takePrepared?.();
    const input = { ...context, knownColumns: this.#knownColumns };
    const ends = prepared ?? (await untilStopped(context, (opening) => openSync(input, opening)));
    const open = withOffsets(ends, context.sync, {
      readOffset: () => context.lock.offsets.read(),
      writeOffset: (offset) => context.lock.offsets.write(offset),
      progress: () => this.#state.progress,
    });
    this.#open = open;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    requireRunnable(open.plan);
    watch.doing('claiming the destination');
    const { claim, offset, hadRows } = await claimSync(this.#state, open);
    requireStoredColumns(open.plan, claim.offset, this.#state.addedColumns);
    this.#claim = claim;
    this.#hadRows = hadRows;
    this.#isHeld = true;
    this.#offset = offset;
    this.#targetCheckedMs = this.#secretsCheckedMs;
    this.#open = await withCreated(open, context.lock.signal);
    return { open: this.#open, claim };
  }

  /** A right may have been revoked since both ends were opened. */
  async namingGrant(thrown: unknown): Promise<unknown> {
    return (await this.#open?.namingGrant(thrown, this.#state.context.lock.signal)) ?? thrown;
  }

  /** `opened`, with the claim held: the destination stores what `claim` contains. */
  async held(): Promise<Opened> {
    const { open, claim } = await this.opened();
    await this.hold(open);
    return { open, claim: this.#claim ?? claim };
  }

  /** Whether the pass may write: the destination is claimed, and stores the offset at which the pass began. */
  async hold(open: OpenSync): Promise<boolean> {
    const before = this.#claim;
    if (this.#isHeld || !before) return this.#isHeld;
    this.#state.watch.doing('claiming the destination');
    const { claim, offset } = await claimAgain(this.#state, open, this.#lastKnown(before));
    this.#claim = claim;
    this.#isHeld = true;
    if (claim.offset === before.offset) return true;
    this.#offset = offset;
    return false;
  }

  /** LastDestination*: a pass or check continues from the current state of the destination. */
  async refreshOffset(open: OpenSync): Promise<void> {
    const { sync, lock } = this.#state.context;
    if (isLastDestination(sync.spec)) this.#offset = await largestAtDestination(open, lock.signal);
  }

  /** A pass has stored this offset. */
  passedTo(offset: Offset | null): void {
    this.#offset = offset;
    if (!this.#claim || !this.#isHeld) return;
    this.#hadRows ||= this.#state.reporter.rows.written > this.#claim.rows;
    if (isLastDestination(this.#state.context.sync.spec)) return;
    this.#claim = { ...this.#claim, offset: offset && encodeOffset(offset) };
  }

  /** The offset was set by a request. */
  offsetChanged(claim: CommitRow): void {
    this.#claim = claim;
    this.#offset = decodeStored(claim.offset);
  }

  /** Written rows were checked by the write; a pass without rows checks the table from time to time. */
  async requireTarget(rows: number): Promise<void> {
    const { context } = this.#state;
    if (rows === 0 && !this.#isTargetCheckDue()) return;
    this.#targetCheckedMs = context.clock.monotonicMs();
    if (rows > 0 || !this.#open || !this.#claim) return;
    await requireTarget(this.#open, this.#lastKnown(this.#claim), this.#offset, context.lock.signal);
  }

  /** Secrets are read again each minute; changed ones need a new connection. */
  async hasCurrentSecrets(): Promise<boolean> {
    const { clock } = this.#state.context;
    if (!this.#open || clock.monotonicMs() - this.#secretsCheckedMs < secretCheckMs) return true;
    this.#secretsCheckedMs = clock.monotonicMs();
    return await this.#open.hasCurrentSecrets();
  }

  async rest(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#isHeld = false;
    if (hasMissing(open)) await this.close();
    else await open.rest();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#claim = undefined;
    this.#isHeld = false;
    await open?.close();
  }

  /** Records have new fields: the next plan has columns for them. */
  addColumns(columns: readonly RecordColumn[]): void {
    this.#state.addedColumns = withAdded(this.#open?.plan.inferred, columns) ?? [];
  }

  /** Those of the stored offset, unless it is about to be deleted. */
  readonly #knownColumns: KnownColumns = async (destination, signal) => {
    const { lock, sync } = this.#state.context;
    if (decisionOf(await lock.pendingRequests()) === 'restart') {
      this.#state.addedColumns = [];
      return undefined;
    }
    const stored = await storedColumns(sync, destination, () => lock.offsets.read(), signal);
    return withAdded(stored, this.#state.addedColumns);
  };

  /** A table that was empty when it was admitted cannot be recognized by its rows until some were written. */
  #lastKnown(claim: CommitRow): CommitRow {
    return { ...claim, rows: this.#hadRows ? this.#state.reporter.rows.written : 0 };
  }

  #isTargetCheckDue(): boolean {
    return this.#state.context.clock.monotonicMs() - this.#targetCheckedMs >= targetCheckMs;
  }
}
