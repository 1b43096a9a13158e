import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LastError, SyncState, SyncStatus } from './status.ts';
import { conditionsOf } from './sync-conditions.ts';

const lastError: LastError = { code: 'HostUnreachable', message: 'x', time: '', count: 1, isTransient: true };

const caughtUp: Readonly<Record<string, Pick<SyncStatus, 'hasCaughtUp' | 'hasCaughtUpBefore'>>> = {
  never: { hasCaughtUp: false },
  'with an earlier spec': { hasCaughtUp: false, hasCaughtUpBefore: true },
  yes: { hasCaughtUp: true },
};

function conditionsIn(shown: string, how: string, reported: Partial<SyncStatus> = {}) {
  const [state, problem] = shown.split(', ');
  const status: SyncStatus = {
    uid: 'u',
    observedGeneration: 1,
    state: state as SyncState,
    reason: 'Because',
    message: 'm',
    rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    observedAt: '',
    hasCaughtUp: false,
    ...caughtUp[how],
    ...(problem === 'retrying' ? { lastError } : {}),
    ...(problem === 'overdue' ? { overdueSince: '2026-11-26T08:00:00.000Z' } : {}),
    ...reported,
  };
  return conditionsOf(status);
}

test('STATE x Ready, Reconciling, Stalled: each row of the table in docs/status.md', () => {
  const text = readFileSync(new URL('../docs/status.md', import.meta.url), 'utf8');
  const [, table = ''] = text.split(
    '| STATE | caught up | Ready | Reconciling | Stalled |\n|---|---|---|---|---|\n',
  );
  const rows = table
    .split('\n')
    .slice(0, table.split('\n').indexOf(''))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.equal(rows.length, 25);
  for (const [, state = '', how = '', ...expected] of rows) {
    assert.ok(how in caughtUp, how);
    const conditions = conditionsIn(state, how);
    assert.deepEqual(
      conditions.map(({ status }) => status),
      expected.slice(0, 3),
      `${state} ${how}`,
    );
    for (const { type, reason, message } of conditions) assert.ok(reason && message, `${state}: ${type}`);
  }
});

test('every condition has a message, whatever was reported', () => {
  for (const state of [
    'Pending',
    'Running',
    'Waiting',
    'Suspended',
    'Completed',
    'Failed',
    'Deleting',
  ] as const)
    for (const reason of ['Suspended', 'Unreachable', 'NobodyKnowsThis']) {
      for (const { type, message } of conditionsIn(state, 'never', { reason, message: ' ' }))
        assert.match(message, /\w/, `${state} ${type}`);
    }
});
