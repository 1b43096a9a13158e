import { effectiveStatus } from '../../core/effective-status.ts';
import { syncStatusShape } from '../../core/manifest/status-shape.ts';
import type { RequestStatus, SyncStatus } from '../../core/status.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { setConditions } from '../runtime/conditions.ts';
import type { SyncObject, SyncObjectStatus } from './objects.ts';

/** The status of a Sync about which no agent has reported yet. */
export function firstStatus(
  { metadata: { uid, generation = 1 } }: SyncObject,
  requests: readonly RequestStatus[],
  nowMs: number,
): SyncObjectStatus {
  return statusShape(
    effectiveStatus({ uid, generation, isSuspended: false }, undefined, nowMs),
    {},
    requests,
    nowMs,
  );
}

/** The status as stored in the custom resource, including the conditions. */
export function statusShape(
  status: SyncStatus,
  current: SyncObjectStatus,
  requests: readonly RequestStatus[],
  nowMs: number,
): SyncObjectStatus {
  const { requests: _requests, conditions: _conditions, ...shape } = syncStatusShape(status);
  const at = { generation: status.observedGeneration, nowMs };
  return {
    ...shape,
    ...(requests.length > 0 && { requests }),
    conditions: setConditions(current.conditions ?? [], conditionsOf(status), at),
  };
}
