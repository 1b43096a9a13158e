import type { Coordination, DesiredSync, New } from '../../coordination/contract.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { RequestStatus } from '../../core/status.ts';
import type { KubernetesClient } from '../runtime/client.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import type { EventRecorder } from '../runtime/events.ts';
import { addFinalizer } from '../runtime/finalizer.ts';
import type { Informer } from '../runtime/informer.ts';
import { requireEtcd, writeEtcd } from './etcd-write.ts';
import { firstStatus } from './first-status.ts';
import type { Inventory } from './inventory.ts';
import type { Namespaces } from './namespaces.ts';
import { liveObject, requireNewest } from './newest.ts';
import {
  type DataSourceObject,
  type DataSourceObjectStatus,
  finalizer,
  type SyncObject,
  type SyncObjectStatus,
  suspendedBy,
  syncs,
} from './objects.ts';
import type { Picture } from './picture.ts';
import { manifestObject, type Readings } from './readings.ts';
import { type Asked, askedBy, refused, thereAtCreation } from './requests.ts';
import type { StatusWriter } from './status-writer.ts';
import { removeSync } from './sync-deletion.ts';
import type { Users } from './users.ts';

export type OperatorClient = Pick<KubernetesClient, 'list' | 'watch' | 'get' | 'create' | 'patch'>;

/** What the reconcilers of both kinds work with. */
export interface ReconcilerDeps {
  readonly client: OperatorClient;
  readonly coordination: Coordination;
  readonly readings: Readings;
  readonly syncs: Informer<SyncObject>;
  readonly dataSources: Informer<DataSourceObject>;
  readonly syncStatuses: StatusWriter<SyncObjectStatus>;
  readonly dataSourceStatuses: StatusWriter<DataSourceObjectStatus>;
  readonly users: Users;
  readonly picture: Picture;
  readonly inventory: Inventory;
  readonly namespaces: Namespaces;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

/** A Sync of Kubernetes into etcd, with its requests; and out of it again. */
export async function reconcileSync(
  deps: ReconcilerDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.syncs.get(key);
  await purgeStrays(deps, key, object?.metadata.uid, signal);
  if (!object) return;
  if (object.metadata.deletionTimestamp !== undefined) return await removeSync(deps, object, signal);
  const seen = (await markSeen(deps, object, signal)) ?? object;
  const finalized = await addFinalizer(deps.client, syncs, seen, finalizer, { signal });
  requireEtcd(deps.picture);
  if (deps.readings.sync(finalized).invalid) {
    await stopInvalid(deps, finalized, signal);
    return;
  }
  await putSync(deps, finalized, finalized !== seen, signal);
  for (const asked of askedBy(finalized.metadata.annotations)) await request(deps, finalized, asked, signal);
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
 * The first thing that is ever written of a Sync, before anything of it is in etcd: requests that were there when it was made are
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
 * and rows must not go on where they are not wanted any more.
 */
async function stopInvalid(deps: ReconcilerDeps, object: SyncObject, signal: AbortSignal): Promise<void> {
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
    requireEtcd(deps.picture);
    if ((await liveObject(deps, syncs, key, signal))?.metadata.uid === stray) continue;
    deps.log.warn('a sync in etcd has no custom resource: it is removed', { sync: key, uid: stray });
    // Its commit rows stay open: one made anew under the name asks a person whether to go on from there.
    await writeEtcd(() => deps.coordination.desired.purgeSync(stray));
    deps.inventory.syncs.delete(key, stray);
  }
}
