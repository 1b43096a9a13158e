import { backoffMs } from '../../core/backoff.ts';
import { asIdraError, type IdraError } from '../../core/errors.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { RunContext, RunEnd } from './context.ts';
import { fencedByMode } from './fenced.ts';
import { RunState } from './run-state.ts';
import { SyncSession } from './session.ts';
import { waitForRemedy } from './wait-for-remedy.ts';

/** Permanent errors are retried at this interval, so a fixed table or right needs no restart. */
const permanentRetryMs = 60_000;

/** After this many, a silent server is reported as Failed: nobody can tell whether it is overloaded or malicious, but waiting did not help. */
const maxSilentOpenings = 5;

/**
 * Runs one Sync from claim to stop: opens both systems, claims, runs passes by the schedule, retries, answers requests, reports. Returns
 * when `stop` or the lock's signal fires; with `once`, after one pass.
 */
export async function runSync(context: RunContext): Promise<RunEnd> {
  const state = await RunState.begin(context);
  try {
    for (;;) {
      const end = await attempt(state);
      if (end) return end;
    }
  } finally {
    state.close();
  }
}

async function attempt(state: RunState): Promise<RunEnd | undefined> {
  const { context, wake } = state;
  if (wake.isStopped()) return { outcome: 'stopped' };
  const session = new SyncSession(state);
  try {
    state.watch.doing('connecting to both systems');
    state.watch.start();
    return await session.run();
  } catch (thrown) {
    if (wake.isStopped()) return { outcome: 'stopped' };
    const error = fencedByMode(asIdraError(thrown), context.lock);
    if (error.code === 'SchemaChanged' && state.planAgain()) return undefined;
    context.observer.attemptFailed(context.sync, {
      code: error.code,
      isTransient: error.disposition === 'transient',
    });
    return await afterFailure(state, error);
  } finally {
    await session.close();
  }
}

async function afterFailure(state: RunState, error: IdraError): Promise<RunEnd | undefined> {
  const { context, reporter, wake } = state;
  const failingForMs = state.failed(error);
  const isTransient = error.disposition === 'transient' && state.silentOpenings < maxSilentOpenings;
  const isSpent = context.once !== undefined && failingForMs > context.once.retryForMs;
  const isLast = context.once !== undefined && (!isTransient || isSpent);
  const delayMs = isTransient ? backoffMs(state.failures) : permanentRetryMs;
  logFailure(state, error, isTransient);
  reporter.failed(error, isTransient && !isLast, isLast ? undefined : context.clock.now() + delayMs);
  if (isLast) return { outcome: 'failed', error };
  await state.watch.rest(() => (isTransient ? wake.sleep(delayMs) : waitForRemedy(state, delayMs)));
  return wake.isStopped() ? { outcome: 'stopped' } : undefined;
}

/** Only the first of consecutive failures is logged, and when a silent server becomes Failed; the status counts the rest. */
function logFailure(
  { context, failures, silentOpenings }: RunState,
  error: IdraError,
  isTransient: boolean,
): void {
  if (failures !== 1 && silentOpenings !== maxSilentOpenings) return;
  const fields = {
    sync: qualifiedName(context.sync),
    code: error.code,
    error: error.message,
    cause: causeOf(error),
  };
  if (isTransient) context.log.warn('sync will be retried', fields);
  else context.log.error('sync failed; action required', { ...fields, remedy: error.fix });
}

function causeOf(error: IdraError): string | undefined {
  return error.disposition === 'bug' && error.cause instanceof Error ? error.cause.stack : undefined;
}
