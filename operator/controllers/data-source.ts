import type { ReconcileResult } from '../runtime/controller.ts';
import { addFinalizer, removeFinalizer } from '../runtime/finalizer.ts';
import { keyOf } from '../runtime/objects.ts';
import { requireEtcd, writeEtcd } from './etcd-write.ts';
import { type DataSourceObject, dataSources, finalizer } from './objects.ts';
import { manifestObject } from './readings.ts';
import { liveUid, type ReconcilerDeps } from './sync.ts';

/** Seen again by the watch as soon as the last Sync is gone; this is for the event, which is counted. */
const waitMs = 60_000;

/** A DataSource of Kubernetes into etcd, and out of it again when no Sync uses it. */
export async function reconcileDataSource(
  deps: ReconcilerDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.dataSources.get(key);
  if (!object) return await removeStray(deps, key, signal);
  if (object.metadata.deletionTimestamp !== undefined) return await removeDataSource(deps, object, signal);
  const finalized = await addFinalizer(deps.client, dataSources, object, finalizer, { signal });
  requireEtcd(deps.picture);
  const { desired } = deps.coordination;
  const { namespace = '', name, uid, creationTimestamp: createdAt = '' } = finalized.metadata;
  if (deps.readings.dataSource(finalized)) {
    // What it says cannot be done, and what it said before is not wanted any more: the syncs that use it stop.
    if (await desired.getDataSource(namespace, name))
      await writeEtcd(() => desired.deleteDataSource(namespace, name));
    return;
  }
  const { generation, spec } = manifestObject(finalized);
  const record = { uid, namespace, name, generation, createdAt, spec };
  const stored = await desired.getDataSource(namespace, name);
  // The report of another object of this name says nothing of this one.
  if (stored && stored.uid !== uid) await deleteFromEtcd(deps, key, namespace, name);
  await writeEtcd(() => desired.putDataSource(record));
  deps.inventory.dataSources.add(key, uid);
}

/** A DataSource is needed until its last Sync is gone: to close that one's rows, too. */
async function removeDataSource(
  deps: ReconcilerDeps,
  object: DataSourceObject,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { namespace = '', name, finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const key = keyOf(object.metadata);
  const users = deps.users.of(key);
  if (users.length > 0) {
    const note = `it goes when no Sync uses it any more: ${some(users)}`;
    deps.events.record(dataSources, object, { type: 'Warning', reason: 'InUse', action: 'Delete', note });
    return { requeueAfterMs: waitMs };
  }
  requireEtcd(deps.picture);
  await deleteFromEtcd(deps, key, namespace, name);
  await removeFinalizer(deps.client, dataSources, object, finalizer, { signal });
}

/** `a, b and 3 others`. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} others` : shown;
}

async function removeStray(deps: ReconcilerDeps, key: string, signal: AbortSignal): Promise<undefined> {
  const [stray] = deps.inventory.dataSources.strays(key, undefined);
  if (stray === undefined) return;
  requireEtcd(deps.picture);
  if ((await liveUid(deps, dataSources, key, signal)) !== undefined) return;
  deps.log.warn('a data source in etcd has no custom resource: it is removed', {
    dataSource: key,
    uid: stray,
  });
  const [namespace = '', name = ''] = key.split('/');
  await deleteFromEtcd(deps, key, namespace, name);
}

async function deleteFromEtcd(
  deps: ReconcilerDeps,
  key: string,
  namespace: string,
  name: string,
): Promise<void> {
  await writeEtcd(() => deps.coordination.desired.deleteDataSource(namespace, name));
  for (const uid of deps.inventory.dataSources.strays(key, undefined))
    deps.inventory.dataSources.delete(key, uid);
  deps.picture.forgetReport(key);
}
