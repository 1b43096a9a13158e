import { qualifiedName } from '../../core/sync-spec.ts';
import type { Slots } from '../../core/sync-store.ts';
import { answerRequests } from './answers.ts';
import { checkForRows } from './check-for-rows.ts';
import type { RunEnd } from './context.ts';
import { FieldsAdded } from './incoming-batch.ts';
import { runPass } from './pass.ts';
import { behindSince, reportEnd } from './pass-end.ts';
import { isAtomic, requestFor } from './read-request.ts';
import type { RunState } from './run-state.ts';
import { continuousIdleMs, nextPassMs } from './schedule.ts';
import { takeSlots } from './slot-wait.ts';
import { SyncClaim } from './sync-claim.ts';
import { unlessAborted } from './until-stopped.ts';
import { completedMessage } from './waiting-message.ts';

/** A long pass releases its slots and connections after this time if others wait for them. */
const yieldAfterMs = 30_000;

/** `reopen`: both ends are opened and planned again. */
type StepEnd = RunEnd | 'next' | 'reopen';

/** Lasts from one planning of both systems to the next: a failure, a changed secret or a restart ends it. */
export class SyncSession {
  readonly #state: RunState;
  readonly #claim: SyncClaim;

  constructor(state: RunState) {
    this.#state = state;
    this.#claim = new SyncClaim(state);
  }

  /** Undefined: open both ends again and continue. */
  async run(): Promise<RunEnd | undefined> {
    const { wake } = this.#state;
    while (!wake.isStopped()) {
      const end = await this.#step().catch(async (thrown: unknown) => {
        if (thrown instanceof FieldsAdded) this.#claim.addColumns(thrown.columns);
        throw await this.#claim.namingGrant(thrown);
      });
      if (end === 'reopen') return undefined;
      if (end !== 'next') return end;
    }
    return { outcome: 'stopped' };
  }

  async close(): Promise<void> {
    await this.#claim.close();
  }

  /** Answers requests, then rests, waits for the next pass, or runs one. */
  async #step(): Promise<StepEnd> {
    const { wake, watch } = this.#state;
    if ((await this.#answerRequests()) === 'reopen') return 'reopen';
    if (this.#isAtRest()) return await this.#restUntilWoken();
    if (!(await this.#waitForPass())) return 'next';
    const end = await this.#duePass();
    if (end === 'next' && this.#isIdle()) await watch.rest(() => wake.sleep(continuousIdleMs));
    return end;
  }

  async #answerRequests(): Promise<'none' | 'reopen'> {
    try {
      return await answerRequests(this.#state, this.#claim);
    } finally {
      await this.#claim.rest();
    }
  }

  #isAtRest(): boolean {
    return this.#state.context.sync.spec.isSuspended || this.#isCompleted();
  }

  /** Whether a schedule `once` is complete; stays true until another pass is requested. */
  #isCompleted(): boolean {
    const { context, progress, fingerprint, isPassDue } = this.#state;
    const isDone = progress.isCompleted && progress.fingerprint === fingerprint;
    return context.sync.spec.schedule.kind === 'once' && isDone && !isPassDue;
  }

  async #restUntilWoken(): Promise<StepEnd> {
    const { context, wake, watch, reporter } = this.#state;
    if (context.sync.spec.isSuspended) reporter.moveTo('Suspended', 'Suspended', 'suspended by spec.suspend');
    else {
      reporter.behind(undefined);
      reporter.moveTo('Completed', 'Completed', completedMessage);
    }
    if (context.once) return { outcome: 'complete' };
    await this.close();
    await watch.rest(() => wake.sleep(Number.POSITIVE_INFINITY));
    return 'next';
  }

  /** No scheduled pass determines when to check again. */
  #isIdle(): boolean {
    const { context, isPassDue, hasMovedRows, heldBack } = this.#state;
    const { kind } = context.sync.spec.schedule;
    return kind === 'once' ? heldBack !== undefined : kind === 'continuous' && !isPassDue && !hasMovedRows;
  }

  /** True if a pass is due now; false if another event came first. */
  async #waitForPass(): Promise<boolean> {
    const { context, wake, progress, watch, fingerprint } = this.#state;
    if (this.#state.isPassDue || context.once) return true;
    // An offset that is no longer valid is reported at once, not only when the next pass is due.
    if (progress.fingerprint !== undefined && progress.fingerprint !== fingerprint)
      await this.#claim.opened();
    // Completed before, and the same systems now have other addresses.
    if (this.#isAtRest()) return false;
    await this.#claim.rest();
    const nowMs = context.clock.now();
    const lastStartMs = progress.lastPassStart === undefined ? undefined : Date.parse(progress.lastPassStart);
    const dueMs = nextPassMs(context.sync.spec.schedule, lastStartMs, nowMs);
    if (dueMs <= nowMs) return true;
    if (context.sync.spec.schedule.kind === 'cron' && lastStartMs === undefined) {
      await this.#state.remember({ lastPassStart: new Date(nowMs).toISOString() });
    }
    this.#state.reporter.awaitsPass(dueMs);
    await watch.rest(() => wake.sleep(dueMs - nowMs));
    return false;
  }

  async #duePass(): Promise<StepEnd> {
    const { context, hasMovedRows, isPassDue } = this.#state;
    // An interrupted pass has left rows.
    const isContinuing = hasMovedRows && isPassDue;
    const checksFirst = context.sync.spec.mode !== 'Snapshot' && !context.once && !isContinuing;
    this.#state.isPassDue = true;
    const outcome = checksFirst ? await this.#checkSource() : 'rows';
    return outcome === 'rows' ? await this.#passUnderSlots() : outcome;
  }

  /** Uses no slot and writes nothing: a sync that waits for rows costs the source one query from time to time. */
  async #checkSource(): Promise<StepEnd | 'rows'> {
    const { context, wake, reporter, watch } = this.#state;
    const { source, clock, shared } = context;
    const signal = wake.interrupt(false);
    watch.doing('waiting for a turn to check the source for rows');
    const connections = this.#claim.needsDestination ? 2 : 1;
    const leave = await shared.acquireCheckTurn(source, connections, signal).catch(unlessAborted(signal));
    if (!leave) return 'next';
    try {
      if (!(await this.#claim.hasCurrentSecrets())) return 'reopen';
      const { open } = await this.#claim.opened();
      watch.doing('checking the source for new rows');
      const startMs = clock.now();
      await this.#claim.refreshOffset(open);
      const before = this.#state.heldBack;
      const request = requestFor(open, this.#claim.offset, before?.mark);
      const check = await checkForRows(context, open, request);
      if (check.found === 'rows')
        reporter.behind(behindSince(request, check.lastTimestamp, before?.sinceMs ?? startMs));
      if (check.found !== 'nothing') return 'rows';
      const { end } = check;
      this.#state.hasMovedRows = false;
      await this.#claim.requireTarget(0);
      this.#state.heldBack = reportEnd({ reporter, request, end, before, startMs, endMs: clock.now() });
      context.observer.passEnded(context.sync, { rows: 0, durationMs: clock.now() - startMs });
      return await this.#passComplete(startMs);
    } finally {
      await this.#claim.rest();
      leave();
    }
  }

  async #passUnderSlots(): Promise<StepEnd> {
    const slots = await takeSlots(this.#state, this.#state.wake.interrupt(false));
    if (!slots) return 'next';
    try {
      for (;;) {
        const end = await this.#pass(slots);
        if (end !== 'next' || !this.#mayContinue(slots)) return end;
      }
    } finally {
      await this.#claim.rest();
      await slots.release();
    }
  }

  /** While rows keep coming, a continuous sync keeps its slot and connections, unless others wait for them. */
  #mayContinue(slots: Slots): boolean {
    const { context, wake, hasMovedRows } = this.#state;
    const isUndisturbed = !wake.interrupt(false).aborted && !this.#mustMakeWay(slots);
    return isUndisturbed && hasMovedRows && context.sync.spec.schedule.kind === 'continuous';
  }

  #mustMakeWay(slots: Slots): boolean {
    const { shared, source, destination } = this.#state.context;
    if (slots.hasWaiters()) return true;
    return shared.sessions.mustMakeWay(qualifiedName(source), qualifiedName(destination));
  }

  async #pass(slots: Slots): Promise<StepEnd> {
    const { context, wake, reporter, throttle, watch, holder } = this.#state;
    const { clock } = context;
    if (!(await this.#claim.hasCurrentSecrets())) return 'reopen';
    const { open } = await this.#claim.opened();
    if (this.#isCompleteAlready()) return await this.#passComplete(undefined);
    const startMs = clock.now();
    await this.#claim.refreshOffset(open);
    const isWhole = isAtomic(open.plan.read);
    const yieldMs = clock.monotonicMs() + yieldAfterMs;
    const outcome = await runPass({
      context,
      open,
      reporter,
      throttle,
      watch,
      holder,
      offset: this.#claim.offset,
      heldBack: this.#state.heldBack,
      own: () => this.#claim.hold(open),
      interrupt: wake.interrupt(isWhole),
      mustYield: () => !isWhole && clock.monotonicMs() > yieldMs && this.#mustMakeWay(slots),
      progressed: () => this.#state.progressed(),
    });
    if (outcome.kind === 'moved') return 'next';
    this.#claim.passedTo(outcome.offset);
    this.#state.hasMovedRows = outcome.rows > 0;
    await this.#claim.requireTarget(outcome.rows);
    if (outcome.kind === 'interrupted') {
      await this.#state.rememberMovedRows();
      return isWhole ? 'reopen' : 'next';
    }
    context.observer.passEnded(context.sync, { rows: outcome.rows, durationMs: clock.now() - startMs });
    this.#state.heldBack = outcome.heldBack;
    return await this.#passComplete(startMs);
  }

  /**
   * A Snapshot with schedule `once` was completed before, and only its commit row records it: a second pass would read everything again.
   */
  #isCompleteAlready(): boolean {
    const { context, isPassRequested } = this.#state;
    const { offset } = this.#claim;
    const isOnce = context.sync.spec.schedule.kind === 'once';
    return isOnce && !isPassRequested && offset?.mode === 'Snapshot' && offset.isComplete;
  }

  async #passComplete(startMs: number | undefined): Promise<StepEnd> {
    const { context, reporter, heldBack, fingerprint } = this.#state;
    const { kind } = context.sync.spec.schedule;
    const isDone = !heldBack;
    const isCompleted = kind === 'once' && isDone;
    this.#state.progressed();
    this.#state.isPassDue = kind === 'once' && !isDone;
    if (isDone) {
      this.#state.isPassRequested = false;
      reporter.caughtUp();
    }
    const isDue = kind === 'every' || kind === 'cron';
    await this.#state.rememberPass({
      ...(isDone ? { hasCaughtUp: true, generation: context.sync.generation } : {}),
      isCompleted,
      fingerprint,
      ...(isDue && startMs !== undefined ? { lastPassStart: new Date(startMs).toISOString() } : {}),
    });
    if (isCompleted) reporter.moveTo('Completed', 'Completed', completedMessage);
    else reporter.waits(isDone);
    return context.once ? { outcome: 'complete' } : 'next';
  }
}
