import type { DesiredSync, New } from '../../coordination/contract.ts';
import type { RequestStatus } from '../../core/status.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import type { ReconcilerDeps } from './deps.ts';
import { requireEtcd, writeEtcd } from './etcd-write.ts';
import { firstStatus } from './first-status.ts';
import { liveObject, requireNewest } from './newest.ts';
import { type SyncObject, type SyncObjectStatus, suspendedBy, syncs } from './objects.ts';
import { manifestObject } from './readings.ts';
import { type Asked, askedBy, refused, thereAtCreation } from './requests.ts';

import { removeSync } from './sync-deletion.ts';

/** A Sync of Kubernetes into etcd, with its requests; and out of it again. */
export async function reconcileSync(
  deps: ReconcilerDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.syncs.get(key);
  await purgeStrays(deps, key, object?.metadata.uid, signal);
  if (!object) return;
  const owner = deps.ownership.elsewhere(object);
  if (owner !== undefined) return await leaveSync(deps, object, owner, signal);
  const claimed = await deps.ownership.claim(syncs, object, signal);
  if (claimed.metadata.deletionTimestamp !== undefined) return await removeSync(deps, claimed, signal);
  const seen = (await markSeen(deps, claimed, signal)) ?? claimed;
  requireEtcd(deps.etcdView);
  if (deps.readings.sync(seen).invalid) {
    await stopSync(deps, seen, signal);
    return;
  }
  await putSync(deps, seen, seen !== object, signal);
  for (const asked of askedBy(seen.metadata.annotations)) await request(deps, seen, asked, signal);
}

/** It was ours, perhaps: then our agents stop. Nothing of it is removed, neither here nor at the destination: it may come back. */
async function leaveSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  owner: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const statuses = deps.syncStatuses;
  const result = await deps.elsewhere.tell(deps, syncs, object, { owner, statuses, signal });
  requireEtcd(deps.etcdView);
  await stopSync(deps, object, signal);
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
 * Written first of all when a Sync is ours, before anything of it is in etcd: requests that were there when it was made are
 * nothing that somebody asks for now. Whatever comes after this is asked for, even if nobody has looked yet.
 */
async function markSeen(
  deps: ReconcilerDeps,
  object: SyncObject,
  signal: AbortSignal,
): Promise<SyncObject | undefined> {
  const nowMs = deps.clock.now();
  const requests = askedBy(object.metadata.annotations).map((asked) =>
    refused(asked, thereAtCreation, nowMs),
  );
  const isUnseen = (current: SyncObjectStatus | undefined) => current?.state === undefined;
  const first = (current: SyncObjectStatus | undefined) =>
    isUnseen(current) ? { ...current, ...firstStatus(object, requests, nowMs) } : undefined;
  return await deps.syncStatuses.write(object, first, { signal });
}

/** `isFresh`: it has come from the API server just now. */
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
  // A deletion is never taken back.
  const next = stored?.deletedAt === undefined ? record : { ...record, deletedAt: stored.deletedAt };
  await writeEtcd(() => desired.putSync(next, stored?.version ?? ''));
  deps.inventory.syncs.add(`${record.namespace}/${record.name}`, record.uid);
}

/**
 * A spec that cannot be read never comes to etcd. What ran by the one before is stopped: its user has asked for something else,
 * and rows must not go on where they are not wanted any more. The same holds for one that is another installation's by now.
 */
async function stopSync(deps: ReconcilerDeps, object: SyncObject, signal: AbortSignal): Promise<void> {
  const { desired } = deps.coordination;
  const stored = await desired.getSync(object.metadata.uid);
  if (!stored || stored.isSuspendedByAnnotation === true) return;
  await requireNewest(deps, syncs, object, stored, signal);
  const { version, ...record } = stored;
  await writeEtcd(() => desired.putSync({ ...record, isSuspendedByAnnotation: true }, version));
}

async function request(
  deps: ReconcilerDeps,
  object: SyncObject,
  asked: Asked,
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

async function post(deps: ReconcilerDeps, uid: string, asked: Asked): Promise<RequestStatus> {
  const nowMs = deps.clock.now();
  if ('refusal' in asked) return refused(asked, asked.refusal, nowMs);
  const { requests } = deps.coordination;
  const isNew = await writeEtcd(() => requests.post(uid, asked.request));
  const time = new Date(nowMs).toISOString();
  const accepted = {
    type: asked.type,
    id: asked.id,
    state: 'Accepted',
    message: 'waits for an agent',
    time,
  } as const;
  if (isNew || (await requests.pending(uid)).some(({ type, id }) => type === asked.type && id === asked.id))
    return accepted;
  const answer = (await requests.answers(uid)).find(({ type, id }) => type === asked.type && id === asked.id);
  return (
    answer ?? { ...accepted, state: 'Done', message: 'this value was executed before, and is executed once' }
  );
}

async function purgeStrays(
  deps: ReconcilerDeps,
  key: string,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (const stray of deps.inventory.syncs.strays(key, uid)) {
    requireEtcd(deps.etcdView);
    if ((await liveObject(deps, syncs, key, signal))?.metadata.uid === stray) continue;
    deps.log.warn('a sync in etcd has no custom resource: it is removed', { sync: key, uid: stray });
    // Its commit rows stay open: one made anew under the name asks a person whether to go on from there.
    await writeEtcd(() => deps.coordination.desired.purgeSync(stray, 'operator'));
    deps.inventory.syncs.delete(key, stray);
  }
}
