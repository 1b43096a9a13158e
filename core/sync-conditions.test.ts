import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LastError, SyncState, SyncStatus } from './status.ts';
import { conditionsOf } from './sync-conditions.ts';

const lastError: LastError = { code: 'HostUnreachable', message: 'x', time: '', count: 1, isTransient: true };

function shown(state: SyncState, hasCaughtUp: boolean, isRetrying = false): string {
  const status: SyncStatus = {
    uid: 'u',
    observedGeneration: 1,
    state,
    reason: 'Because',
    message: 'm',
    hasCaughtUp,
    rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    observedAt: '',
    ...(isRetrying ? { lastError } : {}),
  };
  return conditionsOf(status)
    .map((each) => each.status[0])
    .join('');
}

test('STATE x Ready, Reconciling, Stalled', () => {
  const rows: [string, string][] = [
    [shown('Pending', false), 'FTF'],
    [shown('Pending', true), 'TTF'],
    [shown('Running', false), 'FTF'],
    [shown('Running', true), 'TFF'],
    [shown('Waiting', false), 'FTF'],
    [shown('Waiting', true), 'TFF'],
    [shown('Waiting', true, true), 'TTF'],
    [shown('Waiting', false, true), 'FTF'],
    [shown('Suspended', false), 'FFF'],
    [shown('Suspended', true), 'TFF'],
    [shown('Completed', true), 'TFF'],
    [shown('Failed', true, true), 'FFT'],
  ];
  for (const [actual, expected] of rows) assert.equal(actual, expected);
});
