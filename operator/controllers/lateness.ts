import type { ReconcileResult } from '../runtime/controller.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';

/** What cannot be cleaned so long after the deletion is left, and its user is told. */
const limitMs = 600_000;
/** The same in a namespace that is being deleted, which loses what agents need for cleaning up, and waits for its last object. */
export const terminatingLimitMs = 10_000;
const minPollMs = 1_000;
const maxPollMs = 15_000;

/** The time limit is over. */
export interface Late {
  /** In a namespace that is being deleted, which takes no events any more: that namespace. */
  readonly namespace: KubernetesObject | undefined;
}

export async function lateness(
  { namespaces }: Pick<ReconcilerDeps, 'namespaces'>,
  { metadata }: KubernetesObject,
  ageMs: number,
  signal: AbortSignal,
): Promise<Late | undefined> {
  if (ageMs < terminatingLimitMs) return undefined;
  const namespace = await namespaces.terminating(metadata.namespace ?? '', signal);
  return namespace || ageMs >= limitMs ? { namespace } : undefined;
}

/** Nothing tells that the key is gone where there was no status; the longer it takes, the less it matters when it is seen. */
export function soon(ageMs: number): ReconcileResult {
  const pollMs = Math.min(maxPollMs, Math.max(minPollMs, ageMs / 4));
  return { requeueAfterMs: Math.max(0, Math.min(pollMs, limitMs - ageMs)) };
}
