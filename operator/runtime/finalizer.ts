import { hasCode } from './api-errors.ts';
import type { CallOptions, KubernetesClient } from './client.ts';
import type { KubernetesObject, Resource } from './objects.ts';

type Patcher = Pick<KubernetesClient, 'patch'>;

/**
 * The object with our finalizer on it: from here on a deletion waits for us. Must be stored before anything is made that
 * would have to be cleaned up. KubernetesConflict where the object has changed since it was read.
 */
export async function addFinalizer<T extends KubernetesObject>(
  client: Patcher,
  resource: Resource,
  object: T,
  finalizer: string,
  options?: CallOptions,
): Promise<T> {
  const present = object.metadata.finalizers ?? [];
  if (present.includes(finalizer)) return object;
  return await write(client, resource, object, [...present, finalizer], options);
}

/** Lets the object go; it may be gone already. */
export async function removeFinalizer(
  client: Patcher,
  resource: Resource,
  object: KubernetesObject,
  finalizer: string,
  options?: CallOptions,
): Promise<void> {
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(finalizer)) return;
  const kept = present.filter((each) => each !== finalizer);
  try {
    await write(client, resource, object, kept, options);
  } catch (thrown) {
    if (!hasCode(thrown, 'KubernetesNotFound')) throw thrown;
  }
}

/** A merge patch replaces the whole list, so it must be the list of this very version. */
async function write<T extends KubernetesObject>(
  client: Patcher,
  resource: Resource,
  { metadata: { resourceVersion, ...ref } }: T,
  finalizers: readonly string[],
  options: CallOptions | undefined,
): Promise<T> {
  return await client.patch<T>(resource, ref, { metadata: { resourceVersion, finalizers } }, options);
}
