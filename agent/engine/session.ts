import { joinName, splitName } from '../../connectors/sql/names.ts';
import type { CommitRow } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import type { Offset } from '../../core/offset.ts';
import type { Request } from '../../core/status.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { Places, SyncMemory } from '../../core/sync-store.ts';
import type { RunContext, RunEnd } from './context.ts';
import { admit, isLastDestination, meaningOf, otherWriters } from './meaning.ts';
import { type OpenSync, openSync } from './open-sync.ts';
import { largestAtDestination, readStored, runPass, snapshotStart } from './pass.ts';
import { requireRunnable } from './plan.ts';
import { changeOffset, decisionOf, describeOffset, finished, refusal } from './requests.ts';
import type { RunState } from './run-sync.ts';
import { continuousIdleMs, nextPassMs } from './schedule.ts';

/** Connections are given back when the next pass is further away than this: an idle sync costs the systems nothing. */
const idleCloseMs = 60_000;
const secretCheckMs = 60_000;
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
      await this.#remember({ lastPassStart: new Date(nowMs).toISOString() });
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
    if (this.#isCompleteAlready()) return await this.#passComplete(false, undefined);
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
      interrupt: wake.interrupt(isAtomic),
      mustYield: () => !isAtomic && places.hasWaiters() && context.clock.monotonicMs() > yieldMs,
      progressed: () => this.#progressed(),
    });
    this.#offset = outcome.offset;
    if (outcome.kind === 'interrupted') {
      await this.#remember(this.#seen());
      return isAtomic ? undefined : 'next';
    }
    context.observer.passEnded(context.sync, {
      rows: outcome.rows,
      durationMs: context.clock.now() - startMs,
    });
    const end = await this.#passComplete(outcome.isHeldBack, startMs);
    const isIdle = context.sync.spec.schedule.kind === 'continuous' && outcome.rows === 0;
    if (end === 'next' && isIdle) await wake.sleep(continuousIdleMs);
    return end;
  }

  /** A Snapshot that is wanted once was completed before, and only its commit row remembers it: a second pass would read it all again. */
  #isCompleteAlready(): boolean {
    const { context, isAskedFor } = this.#state;
    const isOnce = context.sync.spec.schedule.kind === 'once';
    return isOnce && !isAskedFor && this.#offset?.mode === 'Snapshot' && this.#offset.isComplete;
  }

  async #passComplete(isHeldBack: boolean, startMs: number | undefined): Promise<RunEnd | 'next'> {
    const { context, reporter } = this.#state;
    const { schedule } = context.sync.spec;
    this.#progressed();
    this.#state.isPassDue = false;
    this.#state.isAskedFor = false;
    reporter.hasCaughtUp = true;
    const isDue = schedule.kind === 'every' || schedule.kind === 'cron';
    await this.#remember({
      hasCaughtUp: true,
      isCompleted: schedule.kind === 'once',
      meaning: this.#meaning,
      ...(isDue && startMs !== undefined ? { lastPassStart: new Date(startMs).toISOString() } : {}),
      ...this.#seen(),
    });
    if (schedule.kind === 'once') reporter.moveTo('Completed', 'Completed', completedMessage);
    else reporter.moveTo('Waiting', isHeldBack ? 'HeldBack' : 'CaughtUp', waitingMessage(isHeldBack));
    return context.once ? { outcome: 'complete' } : 'next';
  }

  #progressed(): void {
    this.#state.failures = 0;
    this.#state.firstFailureMs = undefined;
  }

  /** Opened, planned, admitted and claimed. */
  async #opened(): Promise<{ open: OpenSync; claim: CommitRow }> {
    if (this.#open && this.#claim) return { open: this.#open, claim: this.#claim };
    const { context, reporter } = this.#state;
    const signal = context.lock.signal;
    await this.close();
    const prepared = await context.takePrepared?.();
    const open = prepared ?? (await untilStopped(context, (opening) => openSync(context, opening)));
    this.#open = open;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    requireRunnable(open.plan);
    const claim = await this.#claimWith(open, signal);
    this.#claim = claim;
    this.#offset = this.#restoredOffset(open, claim);
    const others = otherWriters(
      await open.destination.commitRows(context.sync.uid, signal),
      context.sync,
      claim.table,
    );
    const warnings = open.plan.findings
      .filter((finding) => finding.severity === 'warning')
      .map((finding) => finding.message);
    if (others.length > 0) warnings.push(`${claim.table} is also written by ${others.join(', ')}`);
    reporter.claimed(
      claim.token,
      isLastDestination(context.sync) ? null : this.#offset,
      claim.rows,
      open.plan.guarantee,
      warnings,
    );
    return { open, claim };
  }

  #restoredOffset(open: OpenSync, claim: CommitRow): Offset | null {
    const stored = readStored(claim.offset);
    return open.plan.read.mode === 'Snapshot' && stored !== null && !(stored.mode === 'Snapshot')
      ? snapshotStart(null)
      : stored;
  }

  async #claimWith(open: OpenSync, signal: AbortSignal): Promise<CommitRow> {
    const { context, memory, reporter } = this.#state;
    const { sync, lock } = context;
    const requests = await lock.pendingRequests();
    const decision = decisionOf(requests);
    const rows = await open.destination.commitRows(sync.uid, signal);
    const table = joinName(splitName(sync.spec.destination.table, 'spec.destination.table'));
    const hasRows = open.plan.existing !== null && (await open.destination.hasRows(signal));
    const admission = admit({ sync, meaning: this.#meaning, rows, table, hasRows, decision });
    await reach('claim:before');
    const claim = await open.destination.claim(
      {
        plan: open.plan.write,
        wire: open.plan.read.wire,
        name: qualifiedName(sync),
        meaning: this.#meaning,
        token: lock.token,
        // Where there is no row yet, to keep is to start; a claim that arrives late must not take back what was done meanwhile.
        offset: decision === 'restart' ? 'restart' : 'keep',
        keepsOffset: !isLastDestination(sync),
        ...(admission.kind === 'adopt' ? { adoptFrom: admission.uid } : {}),
      },
      signal,
    );
    await reach('claim:after');
    if (decision) await this.#finishDecision(requests, decision, rows, claim);
    if (memory.meaning !== this.#meaning || admission.kind === 'start') {
      await this.#remember({ hasCaughtUp: false, isCompleted: false, meaning: this.#meaning });
      reporter.hasCaughtUp = false;
    }
    return claim;
  }

  async #finishDecision(
    requests: readonly Request[],
    decision: 'restart' | 'keep-offset',
    rowsBefore: readonly CommitRow[],
    claim: CommitRow,
  ): Promise<void> {
    const { context } = this.#state;
    const before = rowsBefore.find((row) => row.uid === claim.uid && row.table === claim.table);
    const message =
      decision === 'restart'
        ? 'started from nothing; no row was deleted'
        : `goes on from ${describeOffset(claim.offset)}`;
    for (const request of requests.filter((each) => each.type === 'restart' || each.type === 'keep-offset')) {
      await context.lock.appendHistory({
        time: new Date(context.clock.now()).toISOString(),
        by: request.by ?? 'unknown',
        action: request.type === 'restart' ? 'restart' : 'keep-offset',
        from: before?.offset ?? null,
        to: claim.offset,
      });
      await this.#finish(request, 'Done', message);
    }
    this.#state.isPassDue = !context.sync.spec.isSuspended;
  }

  /** Those that decide a claim end the session; the others are carried out under it. */
  async #answerRequests(): Promise<'none' | 'reopen'> {
    const { context, wake } = this.#state;
    wake.requestsSeen();
    const requests = await context.lock.pendingRequests();
    // They speak of the spec as it stands: the run of the newer one answers.
    if (requests.length > 0 && (await context.isOutdated?.())) return 'none';
    for (const request of requests) {
      switch (request.type) {
        case 'restart':
        case 'keep-offset':
          if (this.#claim) return 'reopen';
          await this.#opened();
          return 'none';
        case 'run-now':
          await this.#runNow(request);
          break;
        case 'offset':
        case 'undo-offset':
          await this.#changeOffset(request);
          break;
        case 'replay':
        case 'verify':
          await this.#finish(request, 'Refused', `${request.type} is not available in this version`);
          break;
      }
    }
    return 'none';
  }

  async #runNow(request: Request): Promise<void> {
    if (this.#state.context.sync.spec.isSuspended) {
      await this.#finish(request, 'Refused', 'the Sync is suspended; set spec.suspend to false');
      return;
    }
    this.#state.isPassDue = true;
    this.#state.isAskedFor = true;
    await this.#finish(request, 'Done', 'a pass was started');
  }

  async #changeOffset(request: Request): Promise<void> {
    const { context, reporter } = this.#state;
    try {
      const { open, claim } = await this.#opened();
      const offset = await changeOffset(
        { context, open, token: claim.token, storedOffset: claim.offset },
        request,
        context.lock.signal,
      );
      this.#claim = { ...claim, offset };
      this.#offset = readStored(offset);
      reporter.seen(claim.rows, this.#offset);
      await this.#remember({ isCompleted: false });
      await this.#finish(request, 'Done', `the offset is ${describeOffset(offset)}`);
    } catch (error) {
      context.lock.signal.throwIfAborted();
      context.stop.throwIfAborted();
      await this.#finish(request, 'Refused', refusal(error));
    }
  }

  async #finish(request: Request, state: 'Done' | 'Refused', message: string): Promise<void> {
    const { context, reporter } = this.#state;
    const status = finished(request, state, message, context.clock.now());
    await reach('request:before-finish');
    await context.lock.finishRequest(status);
    reporter.request(status);
    reporter.report();
  }

  /** Read again each minute; changed ones want a new connection. */
  async #hasCurrentSecrets(): Promise<boolean> {
    const { context } = this.#state;
    if (!this.#open || context.clock.monotonicMs() - this.#secretsCheckedMs < secretCheckMs) return true;
    this.#secretsCheckedMs = context.clock.monotonicMs();
    return await this.#open.hasCurrentSecrets();
  }

  #seen(): Partial<SyncMemory> {
    const { lastSyncTime, rows } = this.#state.reporter;
    return { rows: rows.written, ...(lastSyncTime === undefined ? {} : { lastSyncTime }) };
  }

  async #remember(change: Partial<SyncMemory>): Promise<void> {
    const next = { ...this.#state.memory, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#state.memory)) return;
    this.#state.memory = next;
    await this.#state.context.lock.writeMemory(next);
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
