import type { SyncStatus } from './status.ts';

export interface ConditionState {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/**
 * The three conditions, so that `kubectl wait`, Argo CD and Flux understand a Sync (kstatus: Reconciling is "in progress", Stalled is
 * "failed"). Ready comes from the progress of the data: true from the first time that it has caught up, false while it needs a person.
 *
 * | STATE             | Ready         | Reconciling                  | Stalled |
 * |-------------------|---------------|------------------------------|---------|
 * | Pending           | has caught up | True                         | False   |
 * | Running           | has caught up | True until it has caught up  | False   |
 * | Waiting           | has caught up | True until it has caught up  | False   |
 * | Waiting, retrying | has caught up | True                         | False   |
 * | Suspended         | has caught up | False                        | False   |
 * | Completed         | True          | False                        | False   |
 * | Failed            | False         | False                        | True    |
 */
export function conditionsOf(status: SyncStatus): readonly ConditionState[] {
  const { state, reason, message } = status;
  const isFailed = state === 'Failed';
  const isReady = state === 'Completed' || (!isFailed && status.hasCaughtUp);
  const isRetrying = state === 'Waiting' && status.lastError !== undefined;
  const isReconciling =
    state === 'Pending' ||
    isRetrying ||
    ((state === 'Running' || state === 'Waiting') && !status.hasCaughtUp);
  return [
    condition('Ready', isReady, isReady ? readyReason(status) : reason, message),
    condition('Reconciling', isReconciling, isReconciling ? reason : 'Settled', isReconciling ? message : ''),
    condition('Stalled', isFailed, isFailed ? reason : 'Healthy', isFailed ? message : ''),
  ];
}

function readyReason({ state }: SyncStatus): string {
  if (state === 'Completed' || state === 'Suspended') return state;
  return 'HasCaughtUp';
}

function condition(
  type: ConditionState['type'],
  isTrue: boolean,
  reason: string,
  message: string,
): ConditionState {
  return { type, status: isTrue ? 'True' : 'False', reason, message };
}
