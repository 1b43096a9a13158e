import { setTimeout as pause } from 'node:timers/promises';
import type { SyncStatus } from '../../../core/status.ts';
import type { Engine } from '../engine/engine.ts';
import { judge, reportedFailure, type Verdict } from '../judge/verdict.ts';
import type { FlowRun } from './flow-run.ts';

/** How long a Sync may take to become idle after its rows have stopped moving: bounds may lag by seconds, and the machine may be busy. */
const limitMs = 40_000;
const longestMs = 120_000;
/** If rows are still held back after this time although nothing is open, they stay so. */
const heldBackLimitMs = 15_000;
/** What is missing after this time is lost. */
const patienceMs = 8_000;
/** The ends are compared again after this many more passes. */
const passesMore = 3;

/** Waits until the Sync has completed passes that began after the source came to rest, or reports why not; then both ends are compared. */
export async function settle(run: FlowRun, engine: Engine): Promise<Verdict> {
  const restMs = Date.now();
  const ownLimitMs = limitMs * (run.isSlow ? 6 : 1);
  const { view } = run;
  if (!view) throw new Error('the Sync was not added');
  let wanted = 2;
  let rows = '';
  let movedMs = restMs;
  let last: Verdict | undefined;
  let first: Verdict | undefined;
  for (;;) {
    if (engine.crash) return { kind: 'silent', category: 'engine crashed', details: [engine.crash] };
    if (view.end !== undefined) return { kind: 'silent', category: 'run ended', details: [view.end] };
    const { status } = view;
    if (JSON.stringify(status?.rows) !== rows) {
      rows = JSON.stringify(status?.rows);
      movedMs = Date.now();
    }
    const failure = reportedFailure(status);
    if (failure && status?.state === 'Failed') return failure;
    const passes = view.passes.filter((startMs) => startMs > restMs).length;
    const isComplete = status?.state === 'Completed';
    // "Caught up" may refer to an earlier pass; LAG shows whether rows are waiting now.
    const isWaiting = status?.reason === 'HeldBack' || (status?.lagSeconds ?? 0) > 0;
    const isQuiet =
      status?.state === 'Waiting' && status.reason === 'CaughtUp' && !status.lastError && !isWaiting;
    const isSteady = passes > wanted + passesMore && !isWaiting && !status?.lastError;
    if ((passes >= wanted && isQuiet) || isSteady || isComplete) {
      last = judge(await run.compare(), status);
      if (last.kind !== 'silent') return first ? tooEarly(first) : last;
      first ??= last;
      // If the rows only arrive late, they are not lost, but the Sync reported too early that it had caught up.
      if (isComplete || Date.now() - restMs > patienceMs) return last;
      wanted = passes + passesMore;
    }
    // A pass that began after the source came to rest says so; a machine that is too slow for one shows nothing.
    const isHeldBack =
      isWaiting && passes >= wanted && Date.now() - restMs > heldBackLimitMs * (run.isSlow ? 3 : 1);
    if (isHeldBack || Date.now() - Math.min(movedMs, restMs + longestMs) > ownLimitMs)
      return failure ?? last ?? notSettled(status, passes, isWaiting);
    await pause(40);
  }
}

function tooEarly(first: Verdict): Verdict {
  return { ...first, category: `reported too early that it had caught up: ${first.category}` };
}

function notSettled(status: SyncStatus | undefined, passes: number, isWaiting: boolean): Verdict {
  if (isWaiting && passes > 0)
    return { kind: 'reported', category: 'held back at rest', details: [JSON.stringify(status?.bound)] };
  return {
    kind: 'silent',
    category: `no pass (${status?.reason ?? 'no status'})`,
    details: [`${passes} passes since the source rests`],
  };
}
