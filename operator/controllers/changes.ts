import { isBeingDeleted, type KubernetesObject } from '../runtime/objects.ts';
import type { Change } from '../runtime/reflector.ts';
import { finalizer, type SyncObject } from './objects.ts';

/** A Sync that is deleted and cleaned up needs no DataSource, even if finalizers of others keep it: one may wait for that DataSource. */
export function unlessReleased(object: SyncObject | undefined): SyncObject | undefined {
  const isReleased = isBeingDeleted(object) && !object?.metadata.finalizers?.includes(finalizer);
  return isReleased ? undefined : object;
}

/** By hand or by a restore: reconcileSync writes the first status. */
export function hasLostStatus({ before, after }: Change<SyncObject>): boolean {
  return before?.status?.state !== undefined && after !== undefined && after.status?.state === undefined;
}

/** More than its status has changed. */
export function isSpecChange({ before, after }: Change<KubernetesObject>): boolean {
  if (!before || !after) return true;
  const [was, is] = [before.metadata, after.metadata];
  return (
    was.generation !== is.generation ||
    was.deletionTimestamp !== is.deletionTimestamp ||
    JSON.stringify(was.annotations) !== JSON.stringify(is.annotations) ||
    (was.finalizers?.length ?? 0) > (is.finalizers?.length ?? 0)
  );
}
