import type { ReconcileResult } from '../runtime/controller.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';

/** Time after the deletion at which cleanup is abandoned, and the user is informed. */
const limitMs = 600_000;
/** The same in a namespace that is being deleted: it loses what agents need for cleaning up, and waits for its last object. */
export const terminatingLimitMs = 10_000;
const minPollMs = 1_000;
const maxPollMs = 15_000;

/** The time limit of a deletion has passed. */
export interface DeletionTimeout {
  /** The namespace, if it is being deleted: it accepts no events any more. */
  readonly namespace: KubernetesObject | undefined;
}

/** In milliseconds. */
export function deletionAge(
  { deletions }: Pick<ReconcilerDeps, 'deletions'>,
  { metadata: { uid, deletionTimestamp = '' } }: KubernetesObject,
): number {
  return deletions.ageOf(uid, deletionTimestamp);
}

export async function deletionTimeout(
  { namespaces }: Pick<ReconcilerDeps, 'namespaces'>,
  { metadata }: KubernetesObject,
  ageMs: number,
  signal: AbortSignal,
): Promise<DeletionTimeout | undefined> {
  if (ageMs < terminatingLimitMs) return undefined;
  const namespace = await namespaces.terminating(metadata.namespace ?? '', signal);
  return namespace || ageMs >= limitMs ? { namespace } : undefined;
}

/** Without a status nothing signals that the key is gone, so it is polled; the interval grows with the age of the deletion. */
export function soon(ageMs: number): ReconcileResult {
  const pollMs = Math.min(maxPollMs, Math.max(minPollMs, ageMs / 4));
  return { requeueAfterMs: Math.max(0, Math.min(pollMs, limitMs - ageMs)) };
}
