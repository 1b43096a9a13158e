import type { DesiredSync } from '../../coordination/contract.ts';
import type { Clock } from '../../core/clock.ts';
import { ofThisSpec } from '../../core/effective-status.ts';
import { describeError, type IdraError } from '../../core/errors.ts';
import type { SyncStatus } from '../../core/status.ts';

export interface FailureInput {
  readonly desired: DesiredSync;
  /** The last reported status. */
  readonly last: SyncStatus | undefined;
  readonly error: IdraError;
  readonly agentName: string;
  readonly clock: Clock;
  /** Number of consecutive failures. */
  readonly count?: number;
}

/** The status of a sync that failed before the engine was started: the error, on top of the last reported status. */
export function failureStatus({
  desired,
  last,
  error,
  agentName,
  clock,
  count = 1,
}: FailureInput): SyncStatus {
  const isTransient = error.disposition === 'transient';
  const time = new Date(clock.now()).toISOString();
  const message = describeError(error);
  return {
    ...((last && ofThisSpec(desired, last)) ?? {
      hasCaughtUp: false,
      rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    }),
    uid: desired.uid,
    observedGeneration: desired.generation,
    state: isTransient ? 'Waiting' : 'Failed',
    reason: error.code,
    message,
    agent: agentName,
    observedAt: time,
    lastError: { code: error.code, message, time, count, isTransient },
  };
}
