import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCondition, kstatusConditions, setConditions } from './conditions.ts';

const ready = { type: 'Ready', status: 'False', reason: 'Pending', message: 'no agent yet' } as const;
const noon = Date.UTC(2026, 10, 24, 12, 0, 0, 987);

test('a new condition gets the time in whole seconds and the generation', () => {
  const [condition] = setConditions([], [ready], { generation: 3, nowMs: noon });
  assert.deepEqual(condition, {
    ...ready,
    observedGeneration: 3,
    lastTransitionTime: '2026-11-24T12:00:00Z',
  });
});

test('without a change the same array is returned', () => {
  const before = setConditions([], [ready], { generation: 1, nowMs: noon });
  assert.equal(setConditions(before, [ready], { generation: 1, nowMs: noon + 60_000 }), before);
});

test('lastTransitionTime changes only with the status', () => {
  const before = setConditions([], [ready], { generation: 1, nowMs: noon });
  const reworded = setConditions(before, [{ ...ready, reason: 'Other' }], {
    generation: 2,
    nowMs: noon + 60_000,
  });
  assert.equal(reworded[0]?.lastTransitionTime, '2026-11-24T12:00:00Z');
  assert.equal(reworded[0]?.observedGeneration, 2);
  const turned = setConditions(reworded, [{ ...ready, status: 'True' }], {
    generation: 2,
    nowMs: noon + 60_000,
  });
  assert.equal(turned[0]?.lastTransitionTime, '2026-11-24T12:01:00Z');
});

test('conditions of other controllers are kept', () => {
  const foreign = {
    type: 'Approved',
    status: 'True',
    reason: 'ByHand',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as const;
  const after = setConditions([foreign], [ready], { generation: 1, nowMs: noon });
  assert.deepEqual(
    after.map(({ type }) => type),
    ['Approved', 'Ready'],
  );
  assert.equal(after[0], foreign);
});

test('a message longer than the API accepts is truncated, and then compares as unchanged', () => {
  const long = { ...ready, message: 'x'.repeat(40_000) };
  const before = setConditions([], [long], { generation: 1, nowMs: noon });
  assert.equal(before[0]?.message.length, 32_768);
  assert.equal(setConditions(before, [long], { generation: 1, nowMs: noon }), before);
});

test('kstatus: all three conditions always exist, and two are True only if there is a problem', () => {
  const settled = kstatusConditions({
    ready: { status: 'True', reason: 'CaughtUp', message: 'all rows are there' },
  });
  assert.deepEqual(
    settled.map(({ type, status }) => `${type}=${status}`),
    ['Ready=True', 'Reconciling=False', 'Stalled=False'],
  );
  const stalled = kstatusConditions({
    ready: { status: 'False', reason: 'TableNotFound', message: 'no such table' },
    stalled: { reason: 'TableNotFound', message: 'no such table' },
  });
  assert.deepEqual(
    stalled.map(({ type, status }) => `${type}=${status}`),
    ['Ready=False', 'Reconciling=False', 'Stalled=True'],
  );
  assert.equal(
    findCondition(setConditions([], stalled, { generation: 1, nowMs: noon }), 'Stalled')?.reason,
    'TableNotFound',
  );
});
