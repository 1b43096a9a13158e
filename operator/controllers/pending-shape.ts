import type { SyncStatus } from '../../core/status.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { setConditions } from '../runtime/conditions.ts';
import type { SyncObjectStatus } from './objects.ts';

const nobody: SyncStatus = {
  uid: '',
  observedGeneration: 1,
  state: 'Pending',
  reason: '',
  message: '',
  hasCaughtUp: false,
  rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
  observedAt: '',
};

/** The last status without the fields of a running Sync: nothing runs, for a reason outside the Sync. */
export function pendingShape(
  current: SyncObjectStatus,
  why: Pick<SyncStatus, 'reason' | 'message' | 'hasCaughtUp' | 'hasCaughtUpBefore'>,
  nowMs: number,
): SyncObjectStatus {
  const { agent: _agent, rate: _rate, nextPassTime: _next, ...rest } = current;
  const verdicts = conditionsOf({ ...nobody, ...why });
  const generation = current.observedGeneration ?? 1;
  return {
    ...rest,
    state: 'Pending',
    message: why.message,
    conditions: setConditions(current.conditions ?? [], verdicts, { generation, nowMs }),
  };
}
