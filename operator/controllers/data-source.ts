import type { ReconcileResult } from '../runtime/controller.ts';
import { removeFinalizer } from '../runtime/finalizer.ts';
import { isBeingDeleted, keyOf } from '../runtime/objects.ts';
import { deletionAge, deletionTimeout, soon } from './deletion-timeout.ts';
import type { ReconcilerDeps } from './deps.ts';
import { isSilent, requireEtcd, writeEtcd } from './etcd-write.ts';
import { liveObject, requireNewest } from './newest.ts';
import { type DataSourceObject, dataSources, finalizer } from './objects.ts';
import { manifestObject } from './spec-cache.ts';

/** The watch triggers it as soon as the last Sync is gone; this interval is for the event, whose count increases. */
const waitMs = 60_000;

/** Copies a DataSource from Kubernetes to etcd, and deletes it there when no Sync uses it. */
export async function reconcileDataSource(
  deps: ReconcilerDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.dataSources.get(key);
  if (!object) return await removeStray(deps, key, signal);
  const owner = deps.ownership.foreignOwner(object);
  if (owner !== undefined) return await leaveDataSource(deps, object, owner, signal);
  const claimed = await deps.ownership.claim(dataSources, object, signal);
  if (isBeingDeleted(claimed)) return await removeDataSource(deps, claimed, signal);
  requireEtcd(deps.etcdView);
  await putDataSource(deps, claimed, claimed !== object, signal);
}

/** Finalizer and status belong to the other installation; a Sync of ours that uses the DataSource still runs. */
async function leaveDataSource(
  deps: ReconcilerDeps,
  object: DataSourceObject,
  owner: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const statuses = deps.dataSourceStatuses;
  const result = await deps.foreignObjects.report(deps, dataSources, object, { owner, statuses, signal });
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

/** `isFresh`: it was just read from the API server. */
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
  const isInvalid = deps.specCache.dataSource(object) !== undefined;
  if (!isFresh && (!isSame || isInvalid)) await requireNewest(deps, dataSources, object, stored, signal);
  if (isInvalid) {
    // The current spec is invalid, and the previous one is no longer wanted: the syncs that use it stop.
    if (stored) await writeEtcd(() => desired.deleteDataSource(namespace, name, stored.version));
    return;
  }
  // The report about another object of this name does not apply to this one.
  const isOther = stored !== undefined && stored.uid !== uid;
  if (isOther) await deleteFromEtcd(deps, key, stored.version);
  const record = { uid, namespace, name, generation, createdAt, spec };
  await writeEtcd(() => desired.putDataSource(record, isOther ? '' : (stored?.version ?? '')));
  deps.inventory.dataSources.add(key, uid);
}

/** A DataSource is needed until its last Sync is gone, because closing that Sync's rows needs it, too. */
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
    const note = `it is deleted when no Sync uses it: ${some(users)}`;
    deps.events.record(dataSources, object, { type: 'Warning', reason: 'InUse', action: 'Delete', note });
    return { requeueAfterMs: waitMs };
  }
  if (isSilent(deps.etcdView.outage)) {
    const ageMs = deletionAge(deps, object);
    if (!(await deletionTimeout(deps, object, ageMs, signal))) return soon(ageMs);
    // The inventory finds its record in etcd without a custom resource as soon as etcd is back.
    await removeFinalizer(deps.client, dataSources, object, finalizer, { signal });
    return;
  }
  const stored = await deps.coordination.desired.getDataSource(namespace, name);
  // A record with another uid belongs to a DataSource that was since created under this name.
  if (!stored || stored.uid === object.metadata.uid) await deleteFromEtcd(deps, key, stored?.version ?? '');
  await removeFinalizer(deps.client, dataSources, object, finalizer, { signal });
}

/** `a, b and 3 more`. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

async function removeStray(deps: ReconcilerDeps, key: string, signal: AbortSignal): Promise<undefined> {
  const [orphan] = deps.inventory.dataSources.orphans(key, undefined);
  if (orphan === undefined) return;
  requireEtcd(deps.etcdView);
  const [namespace = '', name = ''] = key.split('/');
  const stored = await deps.coordination.desired.getDataSource(namespace, name);
  if ((await liveObject(deps, dataSources, key, signal)) !== undefined) return;
  deps.log.warn('a data source in etcd has no custom resource and is removed', {
    dataSource: key,
    uid: orphan,
  });
  await deleteFromEtcd(deps, key, stored?.version ?? '');
}

/** Deletes only the version that was read ('': nothing was there), and the report about it. */
async function deleteFromEtcd(deps: ReconcilerDeps, key: string, version: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/');
  await writeEtcd(() => deps.coordination.desired.deleteDataSource(namespace, name, version));
  for (const uid of deps.inventory.dataSources.orphans(key, undefined))
    deps.inventory.dataSources.delete(key, uid);
  deps.etcdView.forgetReport(key);
}
