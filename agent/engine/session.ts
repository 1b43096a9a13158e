import type { CommitRow } from '../../core/connector.ts';
import type { Offset } from '../../core/offset.ts';
import type { Places } from '../../core/sync-store.ts';
import { answerRequests } from './answers.ts';
import { claimSync, requireTarget } from './claim.ts';
import type { RunContext, RunEnd } from './context.ts';
import { isLastDestination, meaningOf } from './meaning.ts';
import { type OpenSync, openSync } from './open-sync.ts';
import { largestAtDestination, readStored, runPass } from './pass.ts';
import { requireRunnable } from './plan.ts';
import { movedRows, progressed, type RunState, remember } from './run-state.ts';
import { continuousIdleMs, nextPassMs } from './schedule.ts';

/** Connections are given back when the next pass is further away than this: an idle sync costs the systems nothing. */
const idleCloseMs = 60_000;
const secretCheckMs = 60_000;
const targetCheckMs = 5_000;
/** A long pass gives its places back after this time when others wait for them. */
const yieldAfterMs = 30_000;

/** From one opening of both systems to the next: a failure, a changed secret, a restart or a long wait ends it. */
export class SyncSession {
  readonly #state: RunState;
  readonly #meaning: string;
  #open: OpenSync | undefined;
  #claim: CommitRow | undefined;
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
    const { wake, context } = this.#state;
    while (!wake.isStopped()) {
      const effect = await this.#answerRequests();
      if (effect === 'reopen') return undefined;
      const isIdle = this.#restingState();
      if (isIdle) {
        if (isIdle.state === 'Completed') this.#state.reporter.behind(undefined);
        this.#state.reporter.moveTo(isIdle.state, isIdle.state, isIdle.message);
        if (context.once) return { outcome: 'complete' };
        await this.close();
        await wake.sleep(Number.POSITIVE_INFINITY);
        continue;
      }
      if (!(await this.#waitForPass())) continue;
      const end = await this.#passUnderPlaces();
      if (end !== 'next') return end;
    }
    return { outcome: 'stopped' };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#claim = undefined;
    await open?.close();
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
    const { context, wake, memory } = this.#state;
    if (this.#state.isPassDue || context.once) return true;
    // That an offset no longer fits is said at once, not when the next pass is due.
    if (memory.meaning !== undefined && memory.meaning !== this.#meaning) await this.#opened();
    const nowMs = context.clock.now();
    const lastStartMs = memory.lastPassStart === undefined ? undefined : Date.parse(memory.lastPassStart);
    const dueMs = nextPassMs(context.sync.spec.schedule, lastStartMs, nowMs);
    if (dueMs <= nowMs) return true;
    if (context.sync.spec.schedule.kind === 'cron' && lastStartMs === undefined) {
      await remember(this.#state, { lastPassStart: new Date(nowMs).toISOString() });
    }
    if (dueMs - nowMs > idleCloseMs) await this.close();
    this.#state.reporter.awaitsPass(dueMs);
    await wake.sleep(dueMs - nowMs);
    return false;
  }

  async #passUnderPlaces(): Promise<RunEnd | undefined | 'next'> {
    const { context, wake } = this.#state;
    this.#state.isPassDue = true;
    const signal = wake.interrupt(false);
    const places = await context.store
      .takePlaces(context.sync, [context.source, context.destination], signal)
      .catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (!places) return 'next';
    try {
      return await this.#pass(places);
    } finally {
      await places.release();
    }
  }

  async #pass(places: Places): Promise<RunEnd | undefined | 'next'> {
    const { context, wake, reporter, throttle } = this.#state;
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
      offset: this.#offset,
      heldBack: this.#state.heldBack,
      interrupt: wake.interrupt(isAtomic),
      mustYield: () => !isAtomic && places.hasWaiters() && context.clock.monotonicMs() > yieldMs,
      progressed: () => progressed(this.#state),
    });
    this.#offset = outcome.offset;
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
    const end = await this.#passComplete(startMs);
    const { kind } = context.sync.spec.schedule;
    const isIdle = outcome.heldBack ? kind === 'once' : kind === 'continuous' && outcome.rows === 0;
    if (end === 'next' && isIdle) await wake.sleep(continuousIdleMs);
    return end;
  }

  /** What was written was checked by the write; a pass without rows looks at the table now and then. */
  async #requireTarget(rows: number): Promise<void> {
    const { context } = this.#state;
    const nowMs = context.clock.monotonicMs();
    if (rows === 0 && nowMs - this.#targetCheckedMs < targetCheckMs) return;
    this.#targetCheckedMs = nowMs;
    if (rows > 0 || !this.#open || !this.#claim) return;
    const { written } = this.#state.reporter.rows;
    await requireTarget(this.#open, { ...this.#claim, rows: written }, this.#offset, context.lock.signal);
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
    await remember(this.#state, {
      ...(isDone ? { hasCaughtUp: true, generation: context.sync.generation } : {}),
      isCompleted: schedule.kind === 'once' && isDone,
      meaning: this.#meaning,
      ...(isDue && startMs !== undefined ? { lastPassStart: new Date(startMs).toISOString() } : {}),
      ...movedRows(this.#state),
    });
    if (schedule.kind === 'once' && isDone) reporter.moveTo('Completed', 'Completed', completedMessage);
    else reporter.moveTo('Waiting', isDone ? 'CaughtUp' : 'HeldBack', waitingMessage(!isDone));
    return context.once ? { outcome: 'complete' } : 'next';
  }

  /** Opened, planned, admitted and claimed. */
  async #opened(): Promise<{ open: OpenSync; claim: CommitRow }> {
    if (this.#open && this.#claim) return { open: this.#open, claim: this.#claim };
    const { context } = this.#state;
    await this.close();
    const prepared = await context.takePrepared?.();
    const open = prepared ?? (await untilStopped(context, (opening) => openSync(context, opening)));
    this.#open = open;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    requireRunnable(open.plan);
    const { claim, offset } = await claimSync(this.#state, open, this.#meaning);
    this.#claim = claim;
    this.#offset = offset;
    this.#targetCheckedMs = this.#secretsCheckedMs;
    return { open, claim };
  }

  async #answerRequests(): Promise<'none' | 'reopen'> {
    return await answerRequests(this.#state, {
      isClaimed: this.#claim !== undefined,
      opened: () => this.#opened(),
      offsetChanged: (claim) => {
        this.#claim = claim;
        this.#offset = readStored(claim.offset);
      },
    });
  }

  /** Read again each minute; changed ones want a new connection. */
  async #hasCurrentSecrets(): Promise<boolean> {
    const { context } = this.#state;
    if (!this.#open || context.clock.monotonicMs() - this.#secretsCheckedMs < secretCheckMs) return true;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    return await this.#open.hasCurrentSecrets();
  }
}

const completedMessage = 'the one pass that schedule.once asks for is complete';

function waitingMessage(isHeldBack: boolean): string {
  return isHeldBack
    ? 'newer rows are held back until they are final; status.bound says by what'
    : 'caught up; waiting for the next pass';
}

/** While nothing is on its way a stop need not wait for a system that does not answer. */
async function untilStopped<T>(
  { lock, stop }: Pick<RunContext, 'lock' | 'stop'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const opening = new AbortController();
  const cut = () => opening.abort(stop.reason);
  if (stop.aborted) cut();
  stop.addEventListener('abort', cut, { once: true });
  try {
    return await work(AbortSignal.any([lock.signal, opening.signal]));
  } finally {
    stop.removeEventListener('abort', cut);
  }
}
