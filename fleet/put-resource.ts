import { isDeepStrictEqual } from 'node:util';
import { suspendAnnotation } from '../core/manifest/names.ts';
import type { DataSourceObject, SyncObject } from '../operator/controllers/objects.ts';
import { hasCode } from '../operator/runtime/api-errors.ts';
import type { KubernetesClient } from '../operator/runtime/client.ts';
import type { Resource } from '../operator/runtime/objects.ts';
import type { Applied, FleetManifest, PutOptions } from './contract.ts';
import {
  conflictsOf,
  FieldsOwned,
  fieldOwners,
  isFileOwner,
  mergePatchOf,
  removesForeign,
  withoutForeign,
} from './field-owners.ts';
import { versionOf } from './kubernetes-objects.ts';
import { versionChanged } from './version-changed.ts';

type Stored = SyncObject | DataSourceObject;

export interface ResourceWriter {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  readonly find: (ref: { namespace: string; name: string }) => Promise<Stored | undefined>;
}

/** The status changes often, and each change is a new version of the whole object. */
const attempts = 8;

/**
 * Server-side apply of the fields that are new, changed or ours. A changed field that Git or Helm set is refused with FieldsOwned; one
 * that kubectl applied only with `takesOwnership`. The object is written only in the version that was compared.
 */
export async function putResource(
  writer: ResourceWriter,
  manifest: FleetManifest,
  options: PutOptions = {},
): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    const before = await writer.find(manifest);
    requireVersion(before, manifest, options.ifVersion);
    try {
      return await putOnce(writer, manifest, before, options);
    } catch (thrown) {
      if (!hasCode(thrown, 'KubernetesConflict', 'KubernetesAlreadyExists') || attempt === attempts)
        throw thrown;
    }
  }
}

/** Throws VersionChanged (permanent). */
function requireVersion(
  before: Stored | undefined,
  { kind, namespace, name }: FleetManifest,
  ifVersion: string | undefined,
): void {
  if (ifVersion === undefined || (before ? versionOf(before) : '') === ifVersion) return;
  throw versionChanged(`${kind} ${namespace}/${name}`, ifVersion);
}

async function putOnce(
  { client, resource }: ResourceWriter,
  manifest: FleetManifest,
  before: Stored | undefined,
  { isDryRun = false, takesOwnership = false }: PutOptions,
): Promise<Applied> {
  const { kind, namespace, name, isSuspendedByAnnotation: isSuspended } = manifest;
  const spec = JSON.parse(JSON.stringify(manifest.spec)) as Record<string, unknown>;
  const stored = (before?.spec ?? {}) as Record<string, unknown>;
  const owners = fieldOwners(before?.metadata.managedFields);
  const conflicts = conflictsOf(stored, spec, owners, client.fieldManager);
  if (conflicts.length > 0 && !(takesOwnership && isFileOwner(conflicts)))
    throw new FieldsOwned(`${kind} ${namespace}/${name}`, conflicts);
  const annotations = isSuspended === undefined ? {} : { [suspendAnnotation]: String(isSuspended) };
  const metadata = {
    namespace,
    name,
    ...(before && { resourceVersion: before.metadata.resourceVersion }),
    annotations,
  };
  const { labels } = manifest;
  const storedLabels = before?.metadata.labels ?? {};
  // Labels that another request has set belong to another entry of the owners: apply would leave them.
  const losesLabel = labels && Object.keys(storedLabels).some((label) => !Object.hasOwn(labels, label));
  const object =
    losesLabel || removesForeign(stored, spec, owners, client.fieldManager)
      ? await client.patch<Stored>(
          resource,
          { namespace, name },
          {
            metadata: { ...metadata, ...(labels && { labels: mergePatchOf(storedLabels, labels) }) },
            spec: mergePatchOf(stored, spec),
          },
          { isDryRun },
        )
      : await client.apply<Stored>(
          resource,
          {
            metadata: { ...metadata, ...(labels && { labels }) },
            spec: withoutForeign(spec, stored, owners, client.fieldManager),
          },
          // Whose fields may be taken is decided above, for this version of the object.
          { isDryRun, isForced: true },
        );
  const isSame =
    before !== undefined &&
    isDeepStrictEqual(before.spec, object.spec) &&
    isDeepStrictEqual(before.metadata.labels, object.metadata.labels) &&
    isDeepStrictEqual(before.metadata.annotations, object.metadata.annotations);
  return { kind, name, action: isSame ? 'unchanged' : before ? 'configured' : 'created', object };
}
