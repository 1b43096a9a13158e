import { transient } from '../../core/errors.ts';
import { managedByAnnotation, suspendAnnotation } from '../../core/manifest/names.ts';
import { hasCode } from '../runtime/api-errors.ts';
import { type KubernetesObject, keyOf, type Resource, refOf } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';

/** A record in etcd: the object that it was written from. */
export interface Written {
  readonly uid: string;
  readonly generation: number;
}

/**
 * A reconcile may be slow, or belong to an operator that was paused while another one led: its object may be older than the record in
 * etcd. It must neither replace that record nor recreate a deleted one. Unless etcd holds an older generation of this very object, the
 * API server is asked.
 */
export async function requireNewest(
  deps: Pick<ReconcilerDeps, 'client'>,
  resource: Resource,
  object: KubernetesObject,
  stored: Written | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { uid, generation = 0 } = object.metadata;
  if (stored?.uid === uid && stored.generation < generation) return;
  const live = await liveObject(deps, resource, keyOf(object.metadata), signal);
  if (live && isSame(live, object)) return;
  throw transient(
    'Conflict',
    `${resource.kind} ${keyOf(object.metadata)} has changed since generation ${generation} was read`,
  );
}

/**
 * Compares what is written to etcd: the generation stands for the spec, and annotations may suspend the object or give it to another
 * installation.
 */
function isSame({ metadata: one }: KubernetesObject, { metadata: other }: KubernetesObject): boolean {
  return (
    one.uid === other.uid &&
    one.generation === other.generation &&
    [suspendAnnotation, managedByAnnotation].every(
      (name) => one.annotations?.[name] === other.annotations?.[name],
    )
  );
}

/** Reads from the API server itself: a cache may be behind. */
export async function liveObject(
  { client }: Pick<ReconcilerDeps, 'client'>,
  resource: Resource,
  key: string,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  try {
    return await client.get<KubernetesObject>(resource, refOf(key), { signal });
  } catch (thrown) {
    if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
    throw thrown;
  }
}
