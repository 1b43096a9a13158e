import { conditionMessage } from './condition-message.ts';
import type { SyncStatus } from './status.ts';

export interface ConditionState {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/**
 * The three conditions, so that `kubectl wait`, Argo CD and Flux understand a Sync (kstatus: Reconciling is "in progress", Stalled is
 * "failed"). Ready depends on the progress of the data: true from the first time that the Sync has caught up, unknown if that was with an
 * earlier spec or a pass is overdue, false while action is required. The table is in docs/status.md.
 */
export function conditionsOf(status: SyncStatus): readonly ConditionState[] {
  const { state, reason } = status;
  const message = conditionMessage(reason, status.message);
  const isFailed = state === 'Failed';
  return [
    readyCondition({ ...status, message }),
    isInProgress(status)
      ? { type: 'Reconciling', status: 'True', reason, message }
      : { type: 'Reconciling', status: 'False', reason: 'Settled', message: settledMessage(state) },
    isFailed
      ? { type: 'Stalled', status: 'True', reason, message }
      : { type: 'Stalled', status: 'False', reason: 'Healthy', message: 'no action is required' },
  ];
}

/** The reason of the condition Ready: one word, the same wherever the Sync is shown and wherever its status was read. */
export function readyReason(status: SyncStatus): string {
  return readyCondition(status).reason;
}

function readyCondition({
  state,
  reason,
  message,
  hasCaughtUp,
  hasCaughtUpBefore,
  overdueSince,
}: SyncStatus): ConditionState {
  const ready = { type: 'Ready', message } as const;
  if (state === 'Failed' || state === 'Deleting') return { ...ready, status: 'False', reason };
  if (state === 'Completed') return { ...ready, status: 'True', reason: state };
  if (state === 'Suspended' && hasCaughtUp) return { ...ready, status: 'True', reason: state };
  if (overdueSince !== undefined && (hasCaughtUp || hasCaughtUpBefore))
    return { ...ready, status: 'Unknown', reason };
  if (hasCaughtUp) return { ...ready, status: 'True', reason: 'HasCaughtUp' };
  return { ...ready, status: hasCaughtUpBefore ? 'Unknown' : 'False', reason };
}

function isInProgress({ state, lastError, hasCaughtUp, overdueSince }: SyncStatus): boolean {
  if (state === 'Pending' || state === 'Deleting') return true;
  if (state !== 'Running' && state !== 'Waiting') return false;
  return !hasCaughtUp || (state === 'Waiting' && (lastError !== undefined || overdueSince !== undefined));
}

function settledMessage(state: SyncStatus['state']): string {
  return state === 'Failed' ? 'action required; see Stalled' : 'no change is in progress';
}
