import { effectiveStatus, type UnassignedReason } from '../../core/effective-status.ts';
import { describeError, type IdraError } from '../../core/errors.ts';
import type { SyncStatus } from '../../core/status.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import { isBeingDeleted } from '../runtime/objects.ts';
import { deletionAge } from './deletion-timeout.ts';
import type { ReconcilerDeps } from './deps.ts';
import { statusShape } from './first-status.ts';
import { dataSourceKeysOf, type SyncObject, type SyncObjectStatus, suspendedBy, syncs } from './objects.ts';
import { describeOutage, type Outage } from './outage.ts';
import { ignoredAnnotations, ignoredFields, ofIgnored } from './own-warnings.ts';
import { pendingShape } from './pending-shape.ts';
import { mergeRequests, requestsIn } from './requests.ts';
import type { StatusRateLimiter } from './status-rate-limiter.ts';
import { eventsFor } from './sync-events.ts';

export interface StatusDeps extends ReconcilerDeps {
  readonly rateLimiter: StatusRateLimiter;
}

/** Most deletions end sooner: a status of the deletion would be one more write to an API server that may be busy with hundreds of them. */
const quickMs = 1_000;

/** Writes the state of a Sync in etcd to its status, on change only, and records events for its user. */
export async function reconcileSyncStatus(
  deps: StatusDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.syncs.get(key);
  if (!object) {
    deps.syncStatuses.forget(key);
    deps.rateLimiter.forget(key);
    return;
  }
  if (!deps.ownership.isOurs(object)) return;
  const youngMs = isBeingDeleted(object) ? quickMs - deletionAge(deps, object) : 0;
  if (youngMs > 0) return { requeueAfterMs: youngMs };
  const current = deps.syncStatuses.current(object);
  // The first status is written by reconcileSync, with the requests present at creation.
  if (current?.state === undefined) return;
  const next = statusOf(deps, object, current);
  const kind = next && kindOfChange(current, next);
  if (!kind) return;
  const turn = deps.rateLimiter.ask(key, kind);
  if (!turn.mayWrite) return { requeueAfterMs: turn.againInMs };
  let before: SyncObjectStatus = current;
  let after: SyncObjectStatus | undefined;
  const change = (latest: SyncObjectStatus | undefined) => {
    before = latest ?? {};
    after = statusOf(deps, object, before);
    return after;
  };
  if (!(await deps.syncStatuses.write(object, change, { signal })) || !after) return;
  const events = [...eventsFor(before, after), ...ofIgnored(before, ownWarnings(deps, object))];
  for (const objectEvent of events) deps.events.record(syncs, object, objectEvent);
}

/** Undefined while nothing is known. */
export function statusOf(
  deps: StatusDeps,
  object: SyncObject,
  current: SyncObjectStatus,
): SyncObjectStatus | undefined {
  const { etcdView, clock, specCache } = deps;
  const { uid, generation = 1, annotations } = object.metadata;
  const { invalid, isSuspended } = specCache.sync(object);
  const isDeleting = isBeingDeleted(object);
  if (etcdView.outage && !invalid && !isDeleting) {
    const isOfThisSpec =
      current.observedGeneration === generation && (current.state === 'Suspended') === isSuspended;
    return withOutage(current, { outage: etcdView.outage, isOfThisSpec, nowMs: clock.now() });
  }
  if (!etcdView.hasSynced && !etcdView.outage) return undefined;
  const reported = etcdView.statusOf(uid);
  const why = isDeleting
    ? whyNotCleaned(deps, object)
    : invalid
      ? whyInvalid(invalid)
      : whyNotRun(deps, object, reported);
  const observed = isDeleting ? (current.observedGeneration ?? generation) : generation;
  const shown = effectiveStatus(
    { uid, generation: observed, isSuspended: isSuspended && !invalid, isDeleted: isDeleting },
    reported,
    clock.now(),
    why,
  );
  const effective = isSuspended && !isDeleting ? suspended(object, shown) : shown;
  const requests = mergeRequests(current.requests ?? [], effective.requests ?? [], requestsIn(annotations));
  const warnings = [...ownWarnings(deps, object), ...(effective.warnings ?? [])];
  const warned = warnings.length > 0 ? { ...effective, warnings } : effective;
  return statusShape(warned, current, requests, clock.now());
}

function ownWarnings({ specCache }: StatusDeps, object: SyncObject): readonly string[] {
  return [...ignoredFields(specCache.sync(object).ignored), ...ignoredAnnotations(object)];
}

/** Suspending takes effect as soon as it is seen, so this generation has been observed. */
function suspended(object: SyncObject, shown: SyncStatus): SyncStatus {
  const how = suspendedBy(object) ? 'the annotation idra.dev/suspend' : 'spec.suspend';
  return { ...shown, observedGeneration: object.metadata.generation ?? 1, message: `suspended by ${how}` };
}

function whyInvalid(invalid: IdraError): UnassignedReason {
  return {
    reason: 'InvalidSpec',
    message: `${describeError(invalid)}. The Sync is stopped until its spec is valid`,
  };
}

function whyNotCleaned(deps: StatusDeps, object: SyncObject): UnassignedReason | undefined {
  const { outage } = deps.etcdView;
  if (outage) return { reason: 'NoAgent', message: describeOutage(outage) };
  return deps.etcdView.unassignedOf(object.metadata.uid) ?? whichIsMissing(deps, object);
}

function whyNotRun(
  deps: StatusDeps,
  object: SyncObject,
  reported: SyncStatus | undefined,
): UnassignedReason | undefined {
  const missing = whichIsMissing(deps, object);
  if (missing) return missing;
  const unassigned = deps.etcdView.unassignedOf(object.metadata.uid);
  // A Sync that is completed or failed needs no agent, but only if that was reported about this spec.
  const ofThisSpec =
    reported && reported.observedGeneration === object.metadata.generation ? reported.state : undefined;
  const needsNoAgent = ofThisSpec === 'Completed' || ofThisSpec === 'Failed';
  return needsNoAgent ? undefined : unassigned;
}

function whichIsMissing(deps: StatusDeps, object: SyncObject): UnassignedReason | undefined {
  const reason = 'DataSourceNotFound';
  for (const key of dataSourceKeysOf(object)) {
    const dataSource = deps.dataSources.get(key);
    if (!dataSource)
      return { reason, message: `there is no DataSource ${key}: apply it, or correct its name in the Sync` };
    const invalid = deps.specCache.dataSource(dataSource);
    if (invalid) return { reason, message: `DataSource ${key} is not valid: ${describeError(invalid)}` };
  }
  return undefined;
}

/** Nothing is known: running activity is removed from the status; idle states are kept, but not for a Sync that has been changed since. */
function withOutage(
  current: SyncObjectStatus,
  { outage, isOfThisSpec, nowMs }: { outage: Outage; isOfThisSpec: boolean; nowMs: number },
): SyncObjectStatus {
  const isAtRest =
    current.state === 'Suspended' || current.state === 'Completed' || current.state === 'Failed';
  if (isAtRest && isOfThisSpec) return current;
  const ready = findCondition(current.conditions ?? [], 'Ready')?.status ?? 'False';
  const why = { reason: outage.reason, message: describeOutage(outage) };
  // Ready is unknown, unless it has never caught up.
  return pendingShape(current, { ...why, hasCaughtUp: false, hasCaughtUpBefore: ready !== 'False' }, nowMs);
}

/** Undefined: no relevant change. */
function kindOfChange(before: SyncObjectStatus, after: SyncObjectStatus): 'news' | 'progress' | undefined {
  if (JSON.stringify(newsOf(before)) !== JSON.stringify(newsOf(after))) return 'news';
  return JSON.stringify(progressOf(before)) === JSON.stringify(progressOf(after)) ? undefined : 'progress';
}

/** A busy Sync alternates between Running and Waiting, with the corresponding reasons: that is only progress. */
function newsOf(status: SyncObjectStatus): unknown[] {
  const { observedGeneration, state, agent, fencingToken, guarantee, warnings, lastError, bound } = status;
  const { overdueSince } = status;
  const isAtWork = state === 'Running' || state === 'Waiting';
  const conditions = status.conditions?.map((each) => [
    each.type,
    each.status,
    isAtWork ? '' : each.reason,
    each.observedGeneration,
  ]);
  const requests = status.requests?.map(({ type, id, state: how }) => [type, id, how]);
  return [
    observedGeneration,
    isAtWork ? 'running' : state,
    agent,
    fencingToken,
    guarantee,
    warnings?.length,
    lastError?.code,
    overdueSince,
    bound?.kind,
    conditions,
    requests,
  ];
}

/** Without observedAt and the times of passes, which change with each pass that finds nothing. */
function progressOf(status: SyncObjectStatus): unknown[] {
  const { state, message, rows, rate, lag, offset, lastSyncTime, lastError, bound, warnings } = status;
  const { read, written, deleted, rejected } = rows ?? {};
  const held = [bound?.because, bound?.heldBackBy?.what];
  return [
    state,
    status.conditions?.map((each) => each.reason),
    message,
    read,
    written,
    deleted,
    rejected,
    rate,
    lag,
    offset,
    lastSyncTime,
    lastError?.message,
    lastError?.count,
    held,
    warnings,
  ];
}
