import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestStatus } from '../../core/status.ts';
import { eventsFor } from './sync-events.ts';

const request = { type: 'restart', id: '1', message: 'restarts', time: '2026-11-24T08:00:00.000Z' } as const;

function reasonsFor(before: RequestStatus[], after: RequestStatus[]): string[] {
  return eventsFor({ requests: before }, { requests: after }).map(({ reason }) => reason);
}

test('a request has one event for each state that it reaches', () => {
  const accepted: RequestStatus = { ...request, state: 'Accepted' };
  const done: RequestStatus = { ...request, state: 'Done' };
  assert.deepEqual(reasonsFor([], [accepted]), []);
  assert.deepEqual(reasonsFor([accepted], [done]), ['RequestDone']);
  assert.deepEqual(reasonsFor([done], [{ ...done, message: 'restarted' }]), []);
  assert.deepEqual(reasonsFor([done], [{ ...done, id: '2' }]), ['RequestDone']);
  assert.deepEqual(reasonsFor([], [{ ...request, state: 'Refused' }]), ['RequestRefused']);
});
