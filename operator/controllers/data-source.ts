import type { ReconcileResult } from '../runtime/controller.ts';
import { removeFinalizer } from '../runtime/finalizer.ts';
import { keyOf } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';
import { requireEtcd, writeEtcd } from './etcd-write.ts';
import { lateness, soon } from './lateness.ts';
import { liveObject, requireNewest } from './newest.ts';
import { type DataSourceObject, dataSources, finalizer } from './objects.ts';
import { manifestObject } from './readings.ts';

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
  const owner = deps.ownership.elsewhere(object);
  if (owner !== undefined) return await leaveDataSource(deps, object, owner, signal);
  const claimed = await deps.ownership.claim(dataSources, object, signal);
  if (claimed.metadata.deletionTimestamp !== undefined) return await removeDataSource(deps, claimed, signal);
  requireEtcd(deps.etcdView);
  await putDataSource(deps, claimed, claimed !== object, signal);
}

/** The other installation has its finalizer and its status; a Sync of ours that uses it runs by it all the same. */
async function leaveDataSource(
  deps: ReconcilerDeps,
  object: DataSourceObject,
  owner: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const statuses = deps.dataSourceStatuses;
  const result = await deps.elsewhere.tell(deps, dataSources, object, { owner, statuses, signal });
  requireEtcd(deps.etcdView);
  const key = keyOf(object.metadata);
  const isOurs = (each: string) => {
    const sync = deps.syncs.get(each);
    return sync !== undefined && deps.ownership.isOurs(sync);
  };
  if (deps.users.of(key).some(isOurs)) await putDataSource(deps, object, false, signal);
  else {
    const { namespace = '', name } = object.metadata;
    const stored = await deps.coordination.desired.getDataSource(namespace, name);
    if (stored) await deleteFromEtcd(deps, key, stored.version);
  }
  return result;
}

/** `isFresh`: it has come from the API server just now. */
async function putDataSource(
  deps: ReconcilerDeps,
  object: DataSourceObject,
  isFresh: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { desired } = deps.coordination;
  const { namespace = '', name, uid, creationTimestamp: createdAt = '' } = object.metadata;
  const key = keyOf(object.metadata);
  const stored = await desired.getDataSource(namespace, name);
  const { generation, spec } = manifestObject(object);
  const isSame = stored?.uid === uid && stored.generation === generation;
  const isInvalid = deps.readings.dataSource(object) !== undefined;
  if (!isFresh && (!isSame || isInvalid)) await requireNewest(deps, dataSources, object, stored, signal);
  if (isInvalid) {
    // What it says cannot be done, and what it said before is not wanted any more: the syncs that use it stop.
    if (stored) await writeEtcd(() => desired.deleteDataSource(namespace, name, stored.version));
    return;
  }
  // The report of another object of this name says nothing of this one.
  const isOther = stored !== undefined && stored.uid !== uid;
  if (isOther) await deleteFromEtcd(deps, key, stored.version);
  const record = { uid, namespace, name, generation, createdAt, spec };
  await writeEtcd(() => desired.putDataSource(record, isOther ? '' : (stored?.version ?? '')));
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
  if (deps.etcdView.outage) {
    const ageMs = deps.clock.now() - Date.parse(object.metadata.deletionTimestamp ?? '');
    if (!(await lateness(deps, object, ageMs, signal))) return soon(ageMs);
    // What etcd has of it is found to have no custom resource as soon as it is back.
    await removeFinalizer(deps.client, dataSources, object, finalizer, { signal });
    return;
  }
  const stored = await deps.coordination.desired.getDataSource(namespace, name);
  // A record of another uid is that of a DataSource which was made under this name since.
  if (!stored || stored.uid === object.metadata.uid) await deleteFromEtcd(deps, key, stored?.version ?? '');
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
  requireEtcd(deps.etcdView);
  const [namespace = '', name = ''] = key.split('/');
  const stored = await deps.coordination.desired.getDataSource(namespace, name);
  if ((await liveObject(deps, dataSources, key, signal)) !== undefined) return;
  deps.log.warn('a data source in etcd has no custom resource: it is removed', {
    dataSource: key,
    uid: stray,
  });
  await deleteFromEtcd(deps, key, stored?.version ?? '');
}

/** Only what was read, by its version ('': nothing was there); and the report about it. */
async function deleteFromEtcd(deps: ReconcilerDeps, key: string, version: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/');
  await writeEtcd(() => deps.coordination.desired.deleteDataSource(namespace, name, version));
  for (const uid of deps.inventory.dataSources.strays(key, undefined))
    deps.inventory.dataSources.delete(key, uid);
  deps.etcdView.forgetReport(key);
}
