import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveStatus } from './effective-status.ts';
import type { SyncStatus } from './status.ts';

const wanted = { uid: 'u', generation: 2, isSuspended: false };
const running: SyncStatus = {
  uid: 'u',
  observedGeneration: 2,
  state: 'Running',
  reason: 'MovingRows',
  message: 'moving rows',
  agent: 'idra-agent-0',
  hasCaughtUp: true,
  rows: { read: 5, written: 5, deleted: 0, rejected: 0 },
  observedAt: '2026-11-24T08:00:00.000Z',
};

test('a Sync that no agent has started is Pending, or Suspended if its spec is suspended', () => {
  assert.equal(effectiveStatus(wanted, undefined, 0).state, 'Pending');
  assert.equal(effectiveStatus({ ...wanted, isSuspended: true }, undefined, 0).state, 'Suspended');
});

test('a suspended Sync is Suspended at once, with its rows and without an agent', () => {
  const shown = effectiveStatus({ ...wanted, isSuspended: true }, running, 0);
  assert.equal(shown.state, 'Suspended');
  assert.equal(shown.agent, undefined);
  assert.equal(shown.rows.written, 5);
});

test('a resumed Sync is Pending until an agent reports', () => {
  const last = effectiveStatus({ ...wanted, isSuspended: true }, running, 0);
  assert.equal(effectiveStatus(wanted, last, 0).state, 'Pending');
  assert.equal(effectiveStatus(wanted, running, 0), running);
});

test('a report about an earlier spec does not apply to this one', () => {
  const changed = { ...wanted, generation: 3 };
  const shown = effectiveStatus(changed, running, 0);
  assert.deepEqual([shown.state, shown.hasCaughtUp, shown.hasCaughtUpBefore], ['Running', false, true]);
  const completed = effectiveStatus(changed, { ...running, state: 'Completed' }, 0);
  assert.deepEqual([completed.state, completed.hasCaughtUp], ['Pending', false]);
  const lost = { reason: 'DataSourceNotFound', message: 'DataSource a/b does not exist' } as const;
  const unplaced = effectiveStatus(changed, running, 0, lost);
  assert.deepEqual([unplaced.observedGeneration, unplaced.hasCaughtUp], [3, false]);
  assert.equal(effectiveStatus({ ...changed, isSuspended: true }, running, 0).hasCaughtUp, true);
});

test('a Sync that no agent can run has that reason, and its rows', () => {
  const lost = { reason: 'DataSourceNotFound', message: 'DataSource a/b does not exist' } as const;
  const shown = effectiveStatus(wanted, running, 0, lost);
  assert.deepEqual(
    [shown.state, shown.reason, shown.message, shown.agent, shown.rows.written],
    ['Pending', lost.reason, lost.message, undefined, 5],
  );
  assert.equal(effectiveStatus(wanted, undefined, 0, { ...lost, reason: 'InvalidSpec' }).state, 'Failed');
  assert.equal(effectiveStatus({ ...wanted, isSuspended: true }, running, 0, lost).state, 'Suspended');
});

test('a deleted Sync is Deleting, reports what it waits for, and observes no later spec', () => {
  const deleted = { ...wanted, generation: 3, isDeleted: true };
  const shown = effectiveStatus(deleted, running, 0);
  assert.deepEqual([shown.state, shown.reason, shown.hasCaughtUp], ['Deleting', 'Deleting', false]);
  assert.equal(shown.observedGeneration, 2);
  assert.match(shown.message, /an agent is stopping it and closing its rows/);
  const lastError = { code: 'Unreachable', message: 'no route to db', time: '', count: 1, isTransient: true };
  assert.match(effectiveStatus(deleted, { ...running, lastError }, 0).message, /no route to db/);
  const lost = { reason: 'NoAgent', message: 'no agent is running' } as const;
  assert.match(
    effectiveStatus({ ...deleted, isSuspended: true }, undefined, 0, lost).message,
    /no agent is running/,
  );
});
