import type { CommitRow } from '../../core/connector.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { Slots } from '../../core/sync-store.ts';
import { answerRequests } from './answers.ts';
import { claimAgain, claimSync, hasMissing, requireTarget, withCreated } from './claim.ts';
import type { RunEnd } from './context.ts';
import { lookForRows } from './look.ts';
import { isLastDestination, meaningOf } from './meaning.ts';
import { type OpenSync, openSync } from './open-sync.ts';
import { behindSince, largestAtDestination, readStored, reportEnd, requestFor, runPass } from './pass.ts';
import { requireRunnable } from './plan.ts';
import { movedRows, progressed, type RunState, remember, rememberIdle } from './run-state.ts';
import { continuousIdleMs, nextPassMs } from './schedule.ts';
import { takeSlots } from './slot-wait.ts';
import { unlessAborted, untilStopped } from './until-stopped.ts';
import { completedMessage } from './waiting-message.ts';

const secretCheckMs = 60_000;
const targetCheckMs = 5_000;
/** A long pass gives its places back after this time when others wait for them. */
const yieldAfterMs = 30_000;

/**
 * From one planning of both systems to the next: a failure, a changed secret or a restart ends it. Between passes its connections are
 * given back, and with them the claim of the destination: the next pass that has rows claims again.
 */
export class SyncSession {
  readonly #state: RunState;
  readonly #meaning: string;
  #open: OpenSync | undefined;
  /** As the commit row was last seen. */
  #claim: CommitRow | undefined;
  #holdsClaim = false;
  #hadRows = false;
  #offset: Offset | null = null;
  #secretsCheckedMs = 0;
  #targetCheckedMs = 0;

  constructor(state: RunState) {
    this.#state = state;
    const { sync, source, destination } = state.context;
    this.#meaning = meaningOf(sync, source, destination);
  }

  /** Undefined: open anew and go on. */
  async run(): Promise<RunEnd | undefined> {
    const { wake, context, watch } = this.#state;
    while (!wake.isStopped()) {
      const effect = await this.#answerRequests();
      if (effect === 'reopen') return undefined;
      const isIdle = this.#restingState();
      if (isIdle) {
        if (isIdle.state === 'Completed') this.#state.reporter.behind(undefined);
        this.#state.reporter.moveTo(isIdle.state, isIdle.state, isIdle.message);
        if (context.once) return { outcome: 'complete' };
        await this.close();
        await watch.rest(() => wake.sleep(Number.POSITIVE_INFINITY));
        continue;
      }
      if (!(await this.#waitForPass())) continue;
      const end = await this.#duePass();
      if (end !== 'next') return end;
      if (this.#isIdle()) await watch.rest(() => wake.sleep(continuousIdleMs));
    }
    return { outcome: 'stopped' };
  }

  /** No pass by the schedule tells when to look again. */
  #isIdle(): boolean {
    const { context, isPassDue, hasMovedRows, heldBack } = this.#state;
    const { kind } = context.sync.spec.schedule;
    return kind === 'once' ? heldBack !== undefined : kind === 'continuous' && !isPassDue && !hasMovedRows;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#claim = undefined;
    this.#holdsClaim = false;
    await open?.close();
  }

  async #rest(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#holdsClaim = false;
    if (hasMissing(open)) await this.close();
    else await open.rest();
  }

  /** Suspended, or complete for good. */
  #restingState(): { state: 'Suspended' | 'Completed'; message: string } | undefined {
    const { context, memory } = this.#state;
    if (context.sync.spec.isSuspended) return { state: 'Suspended', message: 'suspended by spec.suspend' };
    const isDone =
      context.sync.spec.schedule.kind === 'once' && memory.isCompleted && memory.meaning === this.#meaning;
    return isDone && !this.#state.isPassDue ? { state: 'Completed', message: completedMessage } : undefined;
  }

  /** True when a pass is due now; false when something else came first. */
  async #waitForPass(): Promise<boolean> {
    const { context, wake, memory, watch } = this.#state;
    if (this.#state.isPassDue || context.once) return true;
    // That an offset no longer fits is said at once, not when the next pass is due.
    if (memory.meaning !== undefined && memory.meaning !== this.#meaning) await this.#opened();
    // Completed before, and the same systems are named otherwise now.
    if (this.#restingState()) return false;
    await this.#rest();
    const nowMs = context.clock.now();
    const lastStartMs = memory.lastPassStart === undefined ? undefined : Date.parse(memory.lastPassStart);
    const dueMs = nextPassMs(context.sync.spec.schedule, lastStartMs, nowMs);
    if (dueMs <= nowMs) return true;
    if (context.sync.spec.schedule.kind === 'cron' && lastStartMs === undefined) {
      await remember(this.#state, { lastPassStart: new Date(nowMs).toISOString() });
    }
    this.#state.reporter.awaitsPass(dueMs);
    await watch.rest(() => wake.sleep(dueMs - nowMs));
    return false;
  }

  async #duePass(): Promise<RunEnd | undefined | 'next'> {
    const { context, hasMovedRows, isPassDue } = this.#state;
    // A pass that was interrupted has left rows.
    const isGoingOn = hasMovedRows && isPassDue;
    const looksFirst = context.sync.spec.mode !== 'Snapshot' && !context.once && !isGoingOn;
    this.#state.isPassDue = true;
    const looked = looksFirst ? await this.#look() : 'rows';
    return looked === 'rows' ? await this.#passUnderSlots() : looked;
  }

  /** Without a slot, and nothing is written anywhere: a sync that waits for rows costs the source a query now and then. */
  async #look(): Promise<RunEnd | undefined | 'next' | 'rows'> {
    const { context, wake, reporter, watch } = this.#state;
    const { source, clock, lock, shared } = context;
    const signal = wake.interrupt(false);
    const needsBoth = !this.#open || isLastDestination(context.sync) || this.#isTargetCheckDue();
    watch.doing('waiting for a turn to look at the source');
    const leave = await shared.takeLook(source, needsBoth ? 2 : 1, signal).catch(unlessAborted(signal));
    if (!leave) return 'next';
    try {
      if (!(await this.#hasCurrentSecrets())) return undefined;
      const { open } = await this.#opened();
      watch.doing('looking for new rows at the source');
      const startMs = clock.now();
      if (isLastDestination(context.sync)) this.#offset = await largestAtDestination(open, lock.signal);
      const { heldBack } = this.#state;
      const request = requestFor(open, this.#offset, heldBack?.mark);
      const look = await lookForRows(context, open, request);
      if (look.found === 'rows')
        reporter.behind(behindSince(request, look.lastTimestamp, heldBack?.sinceMs ?? startMs));
      if (look.found !== 'nothing') return 'rows';
      const { end } = look;
      this.#state.hasMovedRows = false;
      await this.#requireTarget(0);
      const times = { startMs, endMs: clock.now() };
      this.#state.heldBack = reportEnd({ reporter, request, end, before: heldBack, ...times });
      context.observer.passEnded(context.sync, { rows: 0, durationMs: clock.now() - startMs });
      return await this.#passComplete(startMs);
    } finally {
      await this.#rest();
      leave();
    }
  }

  async #passUnderSlots(): Promise<RunEnd | undefined | 'next'> {
    const places = await takeSlots(this.#state, this.#state.wake.interrupt(false));
    if (!places) return 'next';
    try {
      for (;;) {
        const end = await this.#pass(places);
        if (end !== 'next' || !this.#goesOn(places)) return end;
      }
    } finally {
      await this.#rest();
      await places.release();
    }
  }

  /** While rows keep coming a continuous sync keeps its slot and connections, unless others wait for the slot. */
  #goesOn(places: Slots): boolean {
    const { context, wake, hasMovedRows } = this.#state;
    const isAlone = !places.hasWaiters() && !wake.interrupt(false).aborted;
    return isAlone && hasMovedRows && context.sync.spec.schedule.kind === 'continuous';
  }

  async #pass(places: Slots): Promise<RunEnd | undefined | 'next'> {
    const { context, wake, reporter, throttle, watch } = this.#state;
    if (!(await this.#hasCurrentSecrets())) return undefined;
    const { open } = await this.#opened();
    if (this.#isCompleteAlready()) return await this.#passComplete(undefined);
    const startMs = context.clock.now();
    if (isLastDestination(context.sync)) this.#offset = await largestAtDestination(open, context.lock.signal);
    const isAtomic = open.plan.read.mode === 'Snapshot' && open.plan.read.key.length === 0;
    const yieldMs = context.clock.monotonicMs() + yieldAfterMs;
    const outcome = await runPass({
      context,
      open,
      reporter,
      throttle,
      watch,
      offset: this.#offset,
      heldBack: this.#state.heldBack,
      own: () => this.#own(open),
      interrupt: wake.interrupt(isAtomic),
      mustYield: () => !isAtomic && places.hasWaiters() && context.clock.monotonicMs() > yieldMs,
      progressed: () => progressed(this.#state),
    });
    if (outcome.kind === 'moved') return 'next';
    this.#passedTo(outcome.offset);
    this.#state.hasMovedRows = outcome.rows > 0;
    await this.#requireTarget(outcome.rows);
    if (outcome.kind === 'interrupted') {
      await remember(this.#state, movedRows(this.#state));
      return isAtomic ? undefined : 'next';
    }
    context.observer.passEnded(context.sync, {
      rows: outcome.rows,
      durationMs: context.clock.now() - startMs,
    });
    this.#state.heldBack = outcome.heldBack;
    return await this.#passComplete(startMs);
  }

  #passedTo(offset: Offset | null): void {
    this.#offset = offset;
    if (!this.#claim || !this.#holdsClaim) return;
    this.#hadRows ||= this.#state.reporter.rows.written > this.#claim.rows;
    if (isLastDestination(this.#state.context.sync)) return;
    this.#claim = { ...this.#claim, offset: offset && encodeOffset(offset) };
  }

  /** Whether the pass may write: the destination is claimed, and holds what the pass began at. */
  async #own(open: OpenSync): Promise<boolean> {
    const before = this.#claim;
    if (this.#holdsClaim || !before) return this.#holdsClaim;
    this.#state.watch.doing('claiming the destination');
    const { claim, offset } = await claimAgain(this.#state, open, this.#lastKnown(before));
    this.#claim = claim;
    this.#holdsClaim = true;
    if (claim.offset === before.offset) return true;
    this.#offset = offset;
    return false;
  }

  /** What was written was checked by the write; a pass without rows looks at the table now and then. */
  async #requireTarget(rows: number): Promise<void> {
    const { context } = this.#state;
    if (rows === 0 && !this.#isTargetCheckDue()) return;
    this.#targetCheckedMs = context.clock.monotonicMs();
    if (rows > 0 || !this.#open || !this.#claim) return;
    await requireTarget(this.#open, this.#lastKnown(this.#claim), this.#offset, context.lock.signal);
  }

  /** What was admitted while it was empty is not known by its rows, until some were written. */
  #lastKnown(claim: CommitRow): CommitRow {
    return { ...claim, rows: this.#hadRows ? this.#state.reporter.rows.written : 0 };
  }

  #isTargetCheckDue(): boolean {
    return this.#state.context.clock.monotonicMs() - this.#targetCheckedMs >= targetCheckMs;
  }

  /** A Snapshot that is wanted once was completed before, and only its commit row remembers it: a second pass would read it all again. */
  #isCompleteAlready(): boolean {
    const { context, isAskedFor } = this.#state;
    const isOnce = context.sync.spec.schedule.kind === 'once';
    return isOnce && !isAskedFor && this.#offset?.mode === 'Snapshot' && this.#offset.isComplete;
  }

  async #passComplete(startMs: number | undefined): Promise<RunEnd | 'next'> {
    const { context, reporter, heldBack } = this.#state;
    const { schedule } = context.sync.spec;
    const isDone = !heldBack;
    progressed(this.#state);
    this.#state.isPassDue = schedule.kind === 'once' && !isDone;
    if (isDone) {
      this.#state.isAskedFor = false;
      reporter.hasCaughtUp = true;
    }
    const isDue = schedule.kind === 'every' || schedule.kind === 'cron';
    const write = this.#state.hasMovedRows ? remember : rememberIdle;
    await write(this.#state, {
      ...(isDone ? { hasCaughtUp: true, generation: context.sync.generation } : {}),
      isCompleted: schedule.kind === 'once' && isDone,
      meaning: this.#meaning,
      ...(isDue && startMs !== undefined ? { lastPassStart: new Date(startMs).toISOString() } : {}),
      ...movedRows(this.#state),
    });
    if (schedule.kind === 'once' && isDone) reporter.moveTo('Completed', 'Completed', completedMessage);
    else reporter.waits(isDone);
    return context.once ? { outcome: 'complete' } : 'next';
  }

  /** Opened, planned, admitted and claimed. */
  async #opened(): Promise<{ open: OpenSync; claim: CommitRow }> {
    if (this.#open && this.#claim) return { open: this.#open, claim: this.#claim };
    const { context, watch } = this.#state;
    await this.close();
    watch.doing('reaching both systems');
    const prepared = await context.takePrepared?.();
    const open = prepared ?? (await untilStopped(context, (opening) => openSync(context, opening)));
    this.#open = open;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    requireRunnable(open.plan);
    watch.doing('claiming the destination');
    const { claim, offset, hadRows } = await claimSync(this.#state, open, this.#meaning);
    this.#claim = claim;
    this.#hadRows = hadRows;
    this.#holdsClaim = true;
    this.#offset = offset;
    this.#targetCheckedMs = this.#secretsCheckedMs;
    this.#open = await withCreated(open, context.lock.signal);
    return { open: this.#open, claim };
  }

  async #answerRequests(): Promise<'none' | 'reopen'> {
    try {
      return await answerRequests(this.#state, {
        isClaimed: this.#claim !== undefined,
        opened: () => this.#owned(),
        offsetChanged: (claim) => {
          this.#claim = claim;
          this.#offset = readStored(claim.offset);
        },
      });
    } finally {
      await this.#rest();
    }
  }

  async #owned(): Promise<{ open: OpenSync; claim: CommitRow }> {
    const { open, claim } = await this.#opened();
    await this.#own(open);
    return { open, claim: this.#claim ?? claim };
  }

  /** Read again each minute; changed ones want a new connection. */
  async #hasCurrentSecrets(): Promise<boolean> {
    const { context } = this.#state;
    if (!this.#open || context.clock.monotonicMs() - this.#secretsCheckedMs < secretCheckMs) return true;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    return await this.#open.hasCurrentSecrets();
  }
}
