import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredSync } from '../../coordination/contract.ts';
import { statusOf } from '../../coordination/test-objects.ts';
import { systemClock } from '../../core/clock.ts';
import { effectiveStatus } from '../../core/effective-status.ts';
import { permanent, transient } from '../../core/errors.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { failureStatus } from './failure-status.ts';

const last = { ...statusOf('u', 'Waiting', 7), observedGeneration: 1, hasCaughtUp: true };
const readyOf = (generation: number, error: ReturnType<typeof permanent>) => {
  const desired = { uid: 'u', generation } as DesiredSync;
  const reported = failureStatus({ desired, last, error, agentName: 'a', clock: systemClock });
  const shown = effectiveStatus({ uid: 'u', generation, isSuspended: false }, reported, 0);
  const lost = effectiveStatus({ uid: 'u', generation, isSuspended: false }, reported, 0, {
    reason: 'DataSourceNotFound',
    message: 'there is none',
  });
  const ready = (status: typeof reported) =>
    conditionsOf(status).find(({ type }) => type === 'Ready')?.status;
  return [ready(shown), ready(lost)];
};

test('a spec that cannot run is not Ready, even if the previous spec was', () => {
  assert.deepEqual(readyOf(2, permanent('DataSourceNotFound', 'there is none')), ['False', 'Unknown']);
  assert.deepEqual(readyOf(2, transient('Unreachable', 'no route')), ['Unknown', 'Unknown']);
});

test('a transient error of the same spec leaves Ready as it is', () => {
  assert.deepEqual(readyOf(1, transient('Unreachable', 'no route')), ['True', 'True']);
});
