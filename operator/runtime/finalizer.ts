import { hasCode } from './api-errors.ts';
import type { CallOptions, KubernetesClient } from './client.ts';
import type { KubernetesObject, Resource } from './objects.ts';

type Patcher = Pick<KubernetesClient, 'patch'>;

export interface FinalizerOptions extends CallOptions {
  /** Written in the same step; null deletes one. */
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/**
 * Adds our finalizer: from then on deletion waits for us. Must be stored before anything is created that needs cleanup.
 * KubernetesConflict if the object has changed since it was read.
 */
export async function addFinalizer<T extends KubernetesObject>(
  client: Patcher,
  resource: Resource,
  object: T,
  finalizer: string,
  options?: FinalizerOptions,
): Promise<T> {
  const present = object.metadata.finalizers ?? [];
  if (present.includes(finalizer) && hasAnnotations(object, options)) return object;
  if (present.includes(finalizer)) return await write(client, resource, object, present, options);
  return await write(client, resource, object, [...present, finalizer], options);
}

/** Releases the object, which may be gone already. */
export async function removeFinalizer(
  client: Patcher,
  resource: Resource,
  object: KubernetesObject,
  finalizer: string,
  options?: FinalizerOptions,
): Promise<void> {
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(finalizer) && hasAnnotations(object, options)) return;
  const kept = present.filter((each) => each !== finalizer);
  try {
    await write(client, resource, object, kept, options);
  } catch (thrown) {
    if (!hasCode(thrown, 'KubernetesNotFound')) throw thrown;
  }
}

/** A merge patch replaces the whole list, so the list must be that of this very version. */
async function write<T extends KubernetesObject>(
  client: Patcher,
  resource: Resource,
  { metadata: { resourceVersion, namespace, name } }: T,
  finalizers: readonly string[],
  options: FinalizerOptions | undefined,
): Promise<T> {
  const { annotations, ...call } = options ?? {};
  const metadata = { resourceVersion, finalizers, ...(annotations && { annotations }) };
  return await client.patch<T>(resource, { namespace, name }, { metadata }, call);
}

function hasAnnotations({ metadata }: KubernetesObject, options: FinalizerOptions | undefined): boolean {
  const wanted = Object.entries(options?.annotations ?? {});
  return wanted.every(([name, value]) => (metadata.annotations?.[name] ?? null) === value);
}
