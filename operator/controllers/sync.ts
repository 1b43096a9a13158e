import type { DesiredSync, New } from '../../coordination/contract.ts';
import { isSameRequest, type Request, type RequestStatus } from '../../core/status.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import { isBeingDeleted } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';
import { requireEtcd, writeEtcd } from './etcd-write.ts';
import { firstStatus } from './first-status.ts';
import { managedElsewhere } from './foreign-objects.ts';
import { liveObject, requireNewest } from './newest.ts';
import { type SyncObject, type SyncObjectStatus, suspendedBy, syncs } from './objects.ts';
import { pendingShape } from './pending-shape.ts';
import { type ParsedRequest, refused, requestsIn, thereAtCreation } from './requests.ts';
import { manifestObject } from './spec-cache.ts';

import { removeSync } from './sync-deletion.ts';

/** Copies a Sync from Kubernetes to etcd, with its requests, and deletes it there. */
export async function reconcileSync(
  deps: ReconcilerDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.syncs.get(key);
  await purgeStrays(deps, key, object?.metadata.uid, signal);
  if (!object) return;
  const owner = deps.ownership.foreignOwner(object);
  if (owner !== undefined) return await leaveSync(deps, object, owner, signal);
  const claimed = await deps.ownership.claim(syncs, object, signal);
  if (isBeingDeleted(claimed)) return await removeSync(deps, claimed, signal);
  const seen = (await markSeen(deps, claimed, signal)) ?? claimed;
  requireEtcd(deps.etcdView);
  if (deps.specCache.sync(seen).invalid) {
    await stopSync(deps, seen, signal);
    return;
  }
  await putSync(deps, seen, seen !== object, signal);
  for (const asked of requestsIn(seen.metadata.annotations)) await request(deps, seen, asked, signal);
}

/** If it was ours, our agents stop. Nothing of it is deleted, neither here nor at the destination, because it may come back. */
async function leaveSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  owner: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const statuses = deps.syncStatuses;
  const result = await deps.foreignObjects.report(deps, syncs, object, { owner, statuses, signal });
  requireEtcd(deps.etcdView);
  await stopSync(deps, object, signal, async () => {
    const why = { ...managedElsewhere(deps.ownership.installation, owner), hasCaughtUp: false };
    // The other installation may not run at all; if it does, it replaces this status by its own.
    const shape = (current: SyncObjectStatus = {}) => pendingShape(current, why, deps.clock.now());
    await statuses.write(object, shape, { signal });
  });
  return result;
}

function recordOf(object: SyncObject): New<DesiredSync> {
  const isSuspended = suspendedBy(object);
  return {
    ...manifestObject(object),
    createdAt: object.metadata.creationTimestamp ?? '',
    ...(isSuspended !== undefined && { isSuspendedByAnnotation: isSuspended }),
  };
}

/**
 * Written before anything of our Sync is in etcd: requests that were present at its creation are not executed. Any later request is, even
 * if the operator was not running when it was made.
 */
async function markSeen(
  deps: ReconcilerDeps,
  object: SyncObject,
  signal: AbortSignal,
): Promise<SyncObject | undefined> {
  const nowMs = deps.clock.now();
  const requests = requestsIn(object.metadata.annotations).map((asked) =>
    refused(asked, thereAtCreation, nowMs),
  );
  const isUnseen = (current: SyncObjectStatus | undefined) => current?.state === undefined;
  const first = (current: SyncObjectStatus | undefined) =>
    isUnseen(current) ? { ...current, ...firstStatus(object, requests, nowMs) } : undefined;
  return await deps.syncStatuses.write(object, first, { signal });
}

/** `isFresh`: it was just read from the API server. */
async function putSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  isFresh: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { desired } = deps.coordination;
  const record = recordOf(object);
  const stored = await desired.getSync(record.uid);
  const isSame =
    stored?.generation === record.generation &&
    stored.isSuspendedByAnnotation === record.isSuspendedByAnnotation;
  if (!isSame && !isFresh) await requireNewest(deps, syncs, object, stored, signal);
  // A deletion is never reverted.
  const next = stored?.deletedAt === undefined ? record : { ...record, deletedAt: stored.deletedAt };
  await writeEtcd(() => desired.putSync(next, stored?.version ?? ''));
  deps.inventory.syncs.add(`${record.namespace}/${record.name}`, record.uid);
}

/**
 * An invalid spec is never copied to etcd. The run with the previous spec is stopped: the user has requested something else, and rows
 * must not be moved by an outdated spec. The same applies to a Sync that now belongs to another installation.
 */
async function stopSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  signal: AbortSignal,
  beforeStop?: () => Promise<void>,
): Promise<void> {
  const { desired } = deps.coordination;
  const stored = await desired.getSync(object.metadata.uid);
  if (!stored || stored.isSuspendedByAnnotation === true) return;
  await requireNewest(deps, syncs, object, stored, signal);
  await beforeStop?.();
  const { version, ...record } = stored;
  await writeEtcd(() => desired.putSync({ ...record, isSuspendedByAnnotation: true }, version));
}

async function request(
  deps: ReconcilerDeps,
  object: SyncObject,
  asked: ParsedRequest,
  signal: AbortSignal,
): Promise<void> {
  const known = deps.syncStatuses.current(object)?.requests?.find((each) => each.type === asked.type);
  if (known?.id === asked.id) return;
  const status = await post(deps, object.metadata.uid, asked);
  const isOther = ({ type }: RequestStatus) => type !== status.type;
  await deps.syncStatuses.write(
    object,
    (current) => ({ ...current, requests: [...(current?.requests ?? []).filter(isOther), status] }),
    { signal },
  );
  if (status.state === 'Refused') {
    const note = `${asked.type} ${asked.id}: ${status.message}`;
    deps.events.record(syncs, object, { type: 'Warning', reason: 'RequestRefused', action: 'Request', note });
  }
}

/** They stay in etcd, which all namespaces share, until an agent executes them. */
const maxWaiting = 20;

async function post(deps: ReconcilerDeps, uid: string, asked: ParsedRequest): Promise<RequestStatus> {
  const nowMs = deps.clock.now();
  if ('refusal' in asked) return refused(asked, asked.refusal, nowMs);
  const { requests } = deps.coordination;
  const isSame = (each: Pick<Request, 'type' | 'id'>) => isSameRequest(each, asked);
  const accepted = {
    type: asked.type,
    id: asked.id,
    state: 'Accepted',
    message: 'waiting for an agent',
    time: new Date(nowMs).toISOString(),
  } as const;
  const waiting = await requests.pending(uid);
  if (waiting.some(isSame)) return accepted;
  if (waiting.length >= maxWaiting)
    return refused(
      asked,
      `${waiting.length} requests are waiting for an agent, and no more are accepted`,
      nowMs,
    );
  if (await writeEtcd(() => requests.post(uid, asked.request))) return accepted;
  // Another operator may have posted it meanwhile.
  if ((await requests.pending(uid)).some(isSame)) return accepted;
  const answer = (await requests.answers(uid)).find(isSame);
  return (
    answer ?? {
      ...accepted,
      state: 'Done',
      message: 'this value was already executed; each value is executed once',
    }
  );
}

async function purgeStrays(
  deps: ReconcilerDeps,
  key: string,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (const orphan of deps.inventory.syncs.orphans(key, uid)) {
    requireEtcd(deps.etcdView);
    if ((await liveObject(deps, syncs, key, signal))?.metadata.uid === orphan) continue;
    deps.log.warn('a sync in etcd has no custom resource and is removed', { sync: key, uid: orphan });
    // Its commit rows stay open: a Sync recreated under the name asks the user whether to continue from them.
    await writeEtcd(() => deps.coordination.desired.purgeSync(orphan, 'operator'));
    deps.inventory.syncs.delete(key, orphan);
  }
}
