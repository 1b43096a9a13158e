import { backoffMs } from '../../core/backoff.ts';
import { asIdraError, type IdraError } from '../../core/errors.ts';
import { noProgress } from '../../core/sync-store.ts';
import type { RunContext, RunEnd } from './context.ts';
import { fencedByMode } from './fenced.ts';
import { meaningOf } from './meaning.ts';
import { readStored } from './pass.ts';
import { PassWatch } from './pass-watch.ts';
import { Reporter } from './reporter.ts';
import type { RunState } from './run-state.ts';
import { SyncSession } from './session.ts';
import { noSkippedRows } from './skipped-rows.ts';
import { Throttle } from './throttle.ts';
import { waitForRemedy } from './wait-for-remedy.ts';
import { Wake } from './wake.ts';

/** What a person must mend is looked at again after this time, so that a mended table or right needs no further word. */
const permanentRetryMs = 60_000;

/**
 * Runs one Sync from claim to stop: opens both systems, claims, passes by the schedule, retries, answers requests, reports.
 * Returns when `stop` or the lock's signal fires; with `once`, after one pass.
 */
export async function runSync(context: RunContext): Promise<RunEnd> {
  const wake = new Wake(context);
  const memory = (await context.lock.readProgress()) ?? noProgress;
  const reporter = new Reporter(context);
  const { generation } = context.sync;
  reporter.hasCaughtUp =
    memory.hasCaughtUp &&
    memory.meaning === meaningOf(context.sync, context.source, context.destination) &&
    (memory.generation ?? generation) === generation;
  reporter.hasCaughtUpBefore = memory.generation !== undefined && memory.generation !== generation;
  reporter.lastSyncTime = memory.lastSyncTime;
  reporter.skippedBefore(memory.skipped ?? noSkippedRows);
  reporter.seen(
    { written: memory.rows ?? 0, ...memory.counts },
    readStored(await context.lock.offsets.read()),
  );
  const state: RunState = {
    context,
    wake,
    reporter,
    throttle: new Throttle(context),
    watch: new PassWatch(context.clock, reporter),
    memory,
    failures: 0,
    firstFailureMs: undefined,
    hasReplanned: false,
    mustRestartPass: false,
    heldBack: undefined,
    hasMovedRows: false,
    writtenPassStartMs: 0,
    isPassDue: false,
    isAskedFor: false,
  };
  try {
    for (;;) {
      const end = await attempt(state);
      if (end) return end;
    }
  } finally {
    state.watch.stop();
    wake.close();
  }
}

async function attempt(state: RunState): Promise<RunEnd | undefined> {
  const { context, wake } = state;
  if (wake.isStopped()) return { outcome: 'stopped' };
  const session = new SyncSession(state);
  try {
    state.watch.doing('reaching both systems');
    state.watch.start();
    return await session.run();
  } catch (thrown) {
    if (wake.isStopped()) return { outcome: 'stopped' };
    const error = fencedByMode(asIdraError(thrown), context.lock);
    if (error.code === 'SchemaChanged' && planAgain(state)) return undefined;
    context.observer.attemptFailed(context.sync, {
      code: error.code,
      isTransient: error.disposition === 'transient',
    });
    return await afterFailure(state, error);
  } finally {
    await session.close();
  }
}

/** A changed schema is no failure: both ends are opened and planned again, at once unless the same came without progress between. */
function planAgain(state: RunState): boolean {
  const { sync } = state.context;
  state.mustRestartPass ||= sync.spec.writeMode === 'Replace';
  if (state.hasReplanned) return false;
  state.hasReplanned = true;
  return true;
}

async function afterFailure(state: RunState, error: IdraError): Promise<RunEnd | undefined> {
  const { context, reporter, wake } = state;
  const isTransient = error.disposition === 'transient';
  state.failures += 1;
  state.firstFailureMs ??= context.clock.monotonicMs();
  const isSpent =
    context.once && context.clock.monotonicMs() - state.firstFailureMs > context.once.retryForMs;
  const isLast = context.once !== undefined && (!isTransient || isSpent === true);
  const delayMs = isTransient ? backoffMs(state.failures) : permanentRetryMs;
  logFailure(state, error, isTransient);
  reporter.failed(error, isTransient && !isLast, isLast ? undefined : context.clock.now() + delayMs);
  if (isLast) return { outcome: 'failed', error };
  await state.watch.rest(() => (isTransient ? wake.sleep(delayMs) : waitForRemedy(state, delayMs)));
  return wake.isStopped() ? { outcome: 'stopped' } : undefined;
}

/** The first of a row of equal failures is told; the status counts the rest. */
function logFailure({ context, failures }: RunState, error: IdraError, isTransient: boolean): void {
  const fields = {
    sync: `${context.sync.namespace}/${context.sync.name}`,
    code: error.code,
    error: error.message,
    cause: causeOf(error),
  };
  if (isTransient) {
    if (failures === 1) context.log.warn('sync will be retried', fields);
  } else if (failures === 1) context.log.error('sync needs a person', { ...fields, mend: error.mend });
}

function causeOf(error: IdraError): string | undefined {
  return error.disposition === 'bug' && error.cause instanceof Error ? error.cause.stack : undefined;
}
