import { definitions } from '../../connectors/catalog.ts';
import type { DesiredSync } from '../../coordination/contract.ts';
import { systemOf } from '../../core/manifest/reader.ts';
import { objectFieldOf, type SyncSpec } from '../../core/sync-spec.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import { removeFinalizer } from '../runtime/finalizer.ts';
import { keyOf } from '../runtime/objects.ts';
import {
  type DeletionTimeout,
  deletionAge,
  deletionTimeout,
  soon,
  terminatingLimitMs,
} from './deletion-timeout.ts';
import type { ReconcilerDeps } from './deps.ts';
import { isEtcdUnusable, requireEtcd, writeEtcd } from './etcd-write.ts';
import { namespaceResource } from './namespaces.ts';
import { finalizer, type SyncObject, syncs } from './objects.ts';

/**
 * Releases a deleted Sync when an agent has stopped it, closed its rows and deleted its keys (Invariant 9); at once if no agent has ever
 * claimed it; or at the time limit. The limit counts from the deletion itself, even if no operator was running then.
 */
export async function removeSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  if (!object.metadata.finalizers?.includes(finalizer)) return;
  const ageMs = deletionAge(deps, object);
  try {
    requireEtcd(deps.etcdView);
    return await cleanUp(deps, object, ageMs, signal);
  } catch (thrown) {
    if (!isEtcdUnusable(thrown)) throw thrown;
    const late = await deletionTimeout(deps, object, ageMs, signal);
    if (!late) return soon(ageMs);
    reportLeftovers(deps, object, undefined, late);
    // Its keys stay in the inventory, and are deleted as soon as etcd accepts it.
    await removeFinalizer(deps.client, syncs, object, finalizer, { signal });
    return undefined;
  }
}

async function cleanUp(
  deps: ReconcilerDeps,
  object: SyncObject,
  ageMs: number,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { uid, deletionTimestamp = '' } = object.metadata;
  const { desired } = deps.coordination;
  const stored = await desired.getSync(uid);
  if (!stored) {
    // The agents have finished cleanup; desired state is deleted by the side that wrote it.
    await writeEtcd(() => desired.purgeSync(uid, 'operator'));
    return await letGo(deps, object, signal);
  }
  // An etcd that was restored to an older state may lack a claim that the status records.
  const isKnownAsClaimed = object.status?.fencingToken !== undefined;
  if (!isKnownAsClaimed && (await writeEtcd(() => desired.purgeUnclaimed(uid, 'operator'))))
    return await letGo(deps, object, signal);
  const late = await deletionTimeout(deps, object, ageMs, signal);
  if (late) {
    await writeEtcd(() => desired.purgeSync(uid, 'operator'));
    reportLeftovers(deps, object, stored, late);
    return await letGo(deps, object, signal);
  }
  if (stored.deletedAt === undefined) {
    const { version, ...record } = stored;
    await writeEtcd(() => desired.putSync({ ...record, deletedAt: deletionTimestamp }, version));
  }
  return soon(ageMs);
}

async function letGo(deps: ReconcilerDeps, object: SyncObject, signal: AbortSignal): Promise<undefined> {
  await removeFinalizer(deps.client, syncs, object, finalizer, { signal });
  deps.inventory.syncs.delete(keyOf(object.metadata), object.metadata.uid);
}

function reportLeftovers(
  deps: ReconcilerDeps,
  object: SyncObject,
  stored: DesiredSync | undefined,
  { namespace }: DeletionTimeout,
): void {
  const { uid } = object.metadata;
  const spec = stored?.spec ?? object.spec;
  const { lastError } = deps.etcdView.statusOf(uid) ?? {};
  const why = deps.etcdView.outage?.message ?? lastError?.message ?? deps.etcdView.unassignedOf(uid)?.message;
  const left = leftAt(deps, object, spec);
  const within = namespace
    ? `${terminatingLimitMs / 1_000} s of the deletion of its namespace`
    : '10 minutes';
  const note = `not cleaned up within ${within}${why ? ` (${why})` : ''}, so it was released without cleanup. ${left}`;
  const objectEvent = { type: 'Warning', reason: 'CleanupIncomplete', action: 'Delete' } as const;
  if (namespace) {
    const named = { ...objectEvent, note: `Sync ${keyOf(object.metadata)}: ${note}` };
    deps.events.record(namespaceResource, namespace, named, uid);
  } else deps.events.record(syncs, object, { ...objectEvent, note });
  deps.log.warn('a deleted sync was released without cleanup; its rows in the commit table are not closed', {
    sync: keyOf(object.metadata),
    uid,
    left,
    why,
  });
}

/** What is left at the destination, and how to remove it; empty: nothing. */
export function leftAt(
  deps: Pick<ReconcilerDeps, 'dataSources'>,
  { metadata }: SyncObject,
  spec: unknown,
): string {
  const { destination = {} } = spec as { destination?: Partial<SyncSpec['destination']> };
  const name = destination.dataSource ?? '';
  const dataSource = deps.dataSources.get(`${metadata.namespace}/${name}`);
  const type = systemOf(dataSource?.spec, definitions);
  const field = objectFieldOf(destination);
  // If the DataSource is no longer known, any system that has such objects is assumed.
  const definition =
    definitions.find((each) => each.type === type) ??
    definitions.find(({ fields }) => field !== undefined && fields.destination.includes(field));
  const left = definition?.leftovers(destination, metadata.uid);
  return left ? `Remaining: ${left.what} of DataSource ${name}; remove it with: ${left.remedy}` : '';
}
