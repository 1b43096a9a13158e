import type { SyncStatus } from './status.ts';

/** What is wanted of a Sync, as far as its status depends on it. */
export interface WantedSync {
  readonly uid: string;
  readonly generation: number;
  readonly isSuspended: boolean;
  /** It is to be deleted, and is not yet cleaned up. */
  readonly isDeleted?: boolean;
}

/** Why nobody can run a Sync, as the leader of the agents sees it. */
export interface UnassignedReason {
  readonly reason: 'NoAgent' | 'NoEligibleAgent' | 'InvalidSpec' | 'DataSourceNotFound';
  /** One sentence, with what to do. */
  readonly message: string;
}

/**
 * What is shown of a Sync, from what is wanted and what its last lock holder said: one that no agent has touched is Pending, and a
 * suspended one is Suspended at once, whoever ran it before. One that nobody
 * can run is Pending with that reason, or Failed when its spec must change; one that is to be deleted says what that waits for. The same for kubectl, command line, UI and API.
 */
export function effectiveStatus(
  sync: WantedSync,
  status: SyncStatus | undefined,
  nowMs: number,
  unassigned?: UnassignedReason,
): SyncStatus {
  if (sync.isDeleted) return deleting(status ?? unseen(sync, nowMs), unassigned);
  if (sync.isSuspended) {
    const rest = atRest(status ?? unseen(sync, nowMs));
    if (rest.state === 'Suspended') return rest;
    return { ...rest, state: 'Suspended', reason: 'Suspended', message: 'suspended by spec.suspend' };
  }
  if (unassigned) {
    const state = unassigned.reason === 'InvalidSpec' ? 'Failed' : 'Pending';
    return {
      ...atRest(status ? ofThisSpec(sync, status) : unseen(sync, nowMs)),
      observedGeneration: sync.generation,
      state,
      ...unassigned,
    };
  }
  if (!status) return unseen(sync, nowMs);
  const last = ofThisSpec(sync, status);
  const isAtRest = last.state === 'Suspended' || (last !== status && last.state === 'Completed');
  if (!isAtRest) return last;
  return { ...last, state: 'Pending', reason: 'WaitingForAgent', message: 'waiting for an agent' };
}

/** Whatever the spec says by now is not acted on any more, so that the generation is that of what was said last. */
function deleting(status: SyncStatus, unassigned: UnassignedReason | undefined): SyncStatus {
  const { lastError } = status;
  const waits = unassigned
    ? `no agent can close its rows at the destination: ${unassigned.message}`
    : lastError
      ? `an agent tries to close its rows at the destination: ${lastError.message}`
      : 'an agent stops it and closes its rows at the destination';
  const { rowsPerSecond: _rate, nextPassTime: _next, ...rest } = status;
  return {
    ...rest,
    state: 'Deleting',
    reason: 'Deleting',
    message: `is being deleted; ${waits}`,
    hasCaughtUp: false,
  };
}

/** What was said of an earlier spec: that it has caught up says nothing of this one. */
export function ofThisSpec({ generation }: { readonly generation: number }, status: SyncStatus): SyncStatus {
  if (status.observedGeneration === generation || !status.hasCaughtUp) return status;
  return { ...status, hasCaughtUp: false, hasCaughtUpBefore: true };
}

/** Without what is said only of a sync that runs. */
function atRest(status: SyncStatus): SyncStatus {
  const { agent: _agent, rowsPerSecond: _rate, lastError: _error, overdueSince: _overdue, ...rest } = status;
  return rest;
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
