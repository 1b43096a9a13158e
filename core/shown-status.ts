import type { SyncStatus } from './status.ts';

/** What is wanted of a Sync, as far as its status depends on it. */
export interface WantedSync {
  readonly uid: string;
  readonly generation: number;
  readonly isSuspended: boolean;
}

/**
 * What is shown of a Sync, from what is wanted and what its last lock holder said: one that no agent has touched is Pending, and a
 * suspended one is Suspended at once, whoever ran it before. The same for kubectl, command line, UI and API.
 */
export function shownStatus(sync: WantedSync, status: SyncStatus | undefined, nowMs: number): SyncStatus {
  if (sync.isSuspended) {
    const { agent: _agent, rowsPerSecond: _rate, lastError: _error, ...rest } = status ?? unseen(sync, nowMs);
    if (status?.state === 'Suspended') return rest;
    return { ...rest, state: 'Suspended', reason: 'Suspended', message: 'suspended by spec.suspend' };
  }
  if (!status) return unseen(sync, nowMs);
  if (status.state !== 'Suspended') return status;
  return { ...status, state: 'Pending', reason: 'WaitingForAgent', message: 'waiting for an agent' };
}

function unseen({ uid, generation }: WantedSync, nowMs: number): SyncStatus {
  return {
    uid,
    observedGeneration: generation,
    state: 'Pending',
    reason: 'WaitingForAgent',
    message: 'waiting for an agent',
    hasCaughtUp: false,
    rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    observedAt: new Date(nowMs).toISOString(),
  };
}
