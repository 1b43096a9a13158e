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

/** What was said last, without what is said only of a Sync that runs: nothing runs, for a reason that is not the Sync's. */
export function pendingShape(
  current: SyncObjectStatus,
  why: Pick<SyncStatus, 'reason' | 'message' | 'hasCaughtUp'>,
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
