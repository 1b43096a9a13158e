import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leadership } from '../coordination/contract.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { keepAssignments } from './lead/keep-assignments.ts';
import { ThrottledWarnings } from './throttled-warnings.ts';

const lost = new Error('no connection');

function counting() {
  const lines: string[] = [];
  return { lines, log: { ...silentLog, warn: (message: string) => void lines.push(message) } };
}

test('a warning is logged once per interval, other warnings are not delayed', () => {
  const { lines, log } = counting();
  let nowMs = 0;
  const warnings = new ThrottledWarnings(log, { ...systemClock, monotonicMs: () => nowMs });
  for (const message of ['a', 'a', 'b', 'a']) warnings.warn(message, lost);
  nowMs = 30_000;
  warnings.warn('a', lost);
  assert.deepEqual(lines, ['a', 'b', 'a']);
});

test('a leader whose watches all fail logs this once', async () => {
  const { lines, log } = counting();
  const ends = new AbortController();
  const leadership = {
    signal: ends.signal,
    watchCluster: (_listener: unknown, onError: (error: Error) => void) => {
      for (let watch = 0; watch < 3; watch++) onError(lost);
      return { isSynced: new Promise<void>(() => {}), close: async () => {} };
    },
  } as unknown as Leadership;
  const keeping = keepAssignments(
    leadership,
    { clock: systemClock, log, manifests: {} as never },
    ends.signal,
  );
  ends.abort();
  await keeping;
  assert.deepEqual(lines, ['the cluster cannot be watched; will retry']);
});
