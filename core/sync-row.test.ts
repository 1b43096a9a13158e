import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncStatusShape } from './manifest/status-shape.ts';
import type { SyncStatus } from './status.ts';
import { syncRow } from './sync-row.ts';

const sync = {
  namespace: 'default',
  name: 's',
  spec: { mode: 'Id', source: { dataSource: 'a' }, destination: { dataSource: 'b' } },
} as const;
const waiting: SyncStatus = {
  uid: 'u',
  observedGeneration: 1,
  state: 'Waiting',
  reason: 'CaughtUp',
  message: 'caught up',
  hasCaughtUp: true,
  rows: { read: 5, written: 5, deleted: 0, rejected: 0 },
  lagSeconds: 0,
  observedAt: '2026-11-24T08:00:00.000Z',
};
const lastError = {
  code: 'TableNotFound',
  message: 'no table',
  time: '',
  count: 1,
  isTransient: true,
} as const;

test('LAG is the last known value while an agent reports, and empty otherwise', () => {
  const lagOf = (change: Partial<SyncStatus>) => {
    const status = { ...waiting, ...change };
    const { lag, lagSeconds } = syncStatusShape(status);
    return [syncRow(sync, status, 0).lag, lag, lagSeconds];
  };
  for (const state of ['Running', 'Waiting', 'Completed'] as const)
    assert.deepEqual(lagOf({ state }), ['0s', '0s', 0]);
  const unknown = ['', undefined, undefined];
  assert.deepEqual(lagOf({ lagSeconds: 7, lastError }), unknown);
  for (const state of ['Pending', 'Suspended', 'Failed', 'Deleting'] as const) {
    assert.deepEqual(lagOf({ state, lagSeconds: 1 }), unknown, state);
  }
});
