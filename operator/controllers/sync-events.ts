import { countedWere } from '../../core/counted.ts';
import { isSameRequest, type RequestStatus } from '../../core/status.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { ObjectEvent } from '../runtime/events.ts';
import type { SyncObjectStatus } from './objects.ts';

const action = 'Sync';

/** The events for a change of status, as shown by `kubectl describe`; repeated ones are counted there. */
export function eventsFor(before: SyncObjectStatus, after: SyncObjectStatus): readonly ObjectEvent[] {
  return [...ofState(before, after), ...ofError(before, after), ...ofRequests(before, after)];
}

function ofState(before: SyncObjectStatus, after: SyncObjectStatus): ObjectEvent[] {
  // The end of a deletion is reported by what is left behind, if anything.
  if (after.state === 'Deleting') return [];
  const events: ObjectEvent[] = [];
  const { message = '', rows } = after;
  const stalled = (status: SyncObjectStatus) => trueCondition(status, 'Stalled');
  const [was, is] = [stalled(before), stalled(after)];
  if (is && is.reason !== was?.reason)
    events.push({ type: 'Warning', reason: is.reason, action, note: message });
  if (was && !is) events.push(normal('Recovered', `is no longer stalled (${after.state}): ${message}`));
  if (before.agent && after.agent && before.agent !== after.agent) {
    events.push(normal('Moved', `moved from agent ${before.agent} to ${after.agent}`));
  }
  if (after.state === 'Completed' && before.state !== 'Completed') {
    events.push(
      normal('Completed', `all rows have arrived: ${countedWere(rows?.written ?? 0, 'row')} written`),
    );
  } else if (trueCondition(after, 'Ready') && !trueCondition(before, 'Ready') && !was) {
    events.push(
      normal(
        'CaughtUp',
        `the destination has caught up with the source: ${countedWere(rows?.written ?? 0, 'row')} written`,
      ),
    );
  }
  return events;
}

/** An error that is retried; a permanent one is reported by the state. */
function ofError(
  { lastError: was }: SyncObjectStatus,
  { lastError: is, state }: SyncObjectStatus,
): ObjectEvent[] {
  if (!is || state === 'Failed' || is.code === was?.code) return [];
  return [{ type: 'Warning', reason: is.code, action, note: is.message }];
}

function ofRequests(before: SyncObjectStatus, after: SyncObjectStatus): ObjectEvent[] {
  const isNew = (each: RequestStatus) =>
    !before.requests?.some((known) => isSameRequest(known, each) && known.state === each.state);
  return (after.requests ?? []).filter(isNew).flatMap(({ type, id, state, message }): ObjectEvent[] => {
    const note = `${type} ${id}: ${message}`;
    if (state === 'Done') return [{ ...normal('RequestDone', note), action: 'Request' }];
    if (state === 'Refused') return [{ type: 'Warning', reason: 'RequestRefused', action: 'Request', note }];
    return [];
  });
}

function trueCondition({ conditions = [] }: SyncObjectStatus, type: string) {
  const condition = findCondition(conditions, type);
  return condition?.status === 'True' ? condition : undefined;
}

function normal(reason: string, note: string): ObjectEvent {
  return { type: 'Normal', reason, action, note };
}
