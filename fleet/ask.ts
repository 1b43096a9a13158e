import { randomUUID } from 'node:crypto';
import { systemClock } from '../core/clock.ts';
import { permanent, transient } from '../core/errors.ts';
import { isSameRequest, type Request, type RequestStatus, type RequestType } from '../core/status.ts';
import type { Fleet, FleetSync } from './contract.ts';

const pollMs = 200;

export interface AskOptions {
  readonly offset?: Request['offset'];
  readonly by: string;
  /** Omitted: a new one. */
  readonly id?: string;
  /** 0: do not wait for the answer. */
  readonly timeoutMs: number;
}

/**
 * Posts a request and waits for its answer. Returns undefined if it did not wait, or if the fleet answers only at the next run. Throws
 * the refusal, and RequestUnanswered (transient).
 */
export async function ask(
  fleet: Fleet,
  sync: FleetSync,
  type: RequestType,
  options: AskOptions,
): Promise<RequestStatus | undefined> {
  const request: Request = {
    type,
    id: options.id ?? newRequestId(),
    by: options.by,
    ...(options.offset ? { offset: options.offset } : {}),
  };
  await fleet.post(sync, request);
  if (options.timeoutMs === 0 || !fleet.answersAtOnce) return undefined;
  const deadlineMs = systemClock.monotonicMs() + options.timeoutMs;
  while (systemClock.monotonicMs() < deadlineMs) {
    const answer = (await fleet.answers(sync)).find((each) => isSameRequest(each, request));
    if (answer?.state === 'Done') return answer;
    if (answer?.state === 'Refused') throw permanent('RequestRefused', answer.message);
    await systemClock.sleep(pollMs);
  }
  throw transient(
    'RequestUnanswered',
    `no agent executed ${type} of ${sync.namespace}/${sync.name} in time; the request remains`,
    {
      fix: 'check that an agent runs (idra get agents), or wait longer (--timeout)',
    },
  );
}

export function newRequestId(): string {
  return `${new Date().toISOString()}-${randomUUID().slice(0, 8)}`;
}
