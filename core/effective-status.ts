import type { SyncStatus } from './status.ts';

/** The desired state of a Sync, as far as its status depends on it. */
export interface WantedSync {
  readonly uid: string;
  readonly generation: number;
  readonly isSuspended: boolean;
  /** Deletion was requested; cleanup is not finished yet. */
  readonly isDeleted?: boolean;
}

/** Why no agent can run a Sync, as determined by the leader of the agents. */
export interface UnassignedReason {
  readonly reason: 'NoAgent' | 'NoEligibleAgent' | 'InvalidSpec' | 'DataSourceNotFound';
  /** One sentence, with what to do. */
  readonly message: string;
}

/**
 * The status shown for a Sync, computed from the desired state and the last report of its lock holder. A Sync that no agent has run is
 * Pending; a suspended one is Suspended at once, whichever agent ran it. One that no agent can run is Pending with that reason, or Failed
 * if its spec must change; one that is being deleted reports what deletion waits for. The same for kubectl, command line, UI and API.
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

/** No agent can report, for `reason`: what has been reported may be outdated, except for a Sync that rests. */
export function unreported(status: SyncStatus, why: Pick<SyncStatus, 'reason' | 'message'>): SyncStatus {
  const { state, hasCaughtUp, hasCaughtUpBefore } = status;
  if (state === 'Suspended' || state === 'Completed' || state === 'Failed' || state === 'Deleting')
    return status;
  return {
    ...atRest(status),
    ...why,
    state: 'Pending',
    hasCaughtUp: false,
    hasCaughtUpBefore: hasCaughtUp || hasCaughtUpBefore === true,
  };
}

/** A changed spec has no effect during deletion, so the generation stays that of the last report. */
function deleting(status: SyncStatus, unassigned: UnassignedReason | undefined): SyncStatus {
  const { lastError } = status;
  const waits = unassigned
    ? `no agent can close its rows at the destination: ${unassigned.message}`
    : lastError
      ? `an agent is trying to close its rows at the destination: ${lastError.message}`
      : 'an agent is stopping it and closing its rows at the destination';
  const { rowsPerSecond: _rate, nextPassTime: _next, ...rest } = status;
  return {
    ...rest,
    state: 'Deleting',
    reason: 'Deleting',
    message: `is being deleted; ${waits}`,
    hasCaughtUp: false,
  };
}

/** A report about an earlier spec: hasCaughtUp does not apply to the current one. */
export function ofThisSpec({ generation }: { readonly generation: number }, status: SyncStatus): SyncStatus {
  if (status.observedGeneration === generation || !status.hasCaughtUp) return status;
  return { ...status, hasCaughtUp: false, hasCaughtUpBefore: true };
}

/** Removes the fields that apply only to a running sync. */
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
