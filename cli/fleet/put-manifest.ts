import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { DesiredState } from '../../coordination/contract.ts';
import { asIdraError } from '../../core/errors.ts';
import { apiVersion, type ManifestKind } from '../../core/manifest/names.ts';
import type { ReadManifest } from '../manifests.ts';

export interface Applied {
  readonly kind: ManifestKind;
  readonly name: string;
  readonly action: 'created' | 'configured' | 'unchanged';
  /** As it is stored now. */
  readonly object: unknown;
}

interface Stored {
  readonly uid: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly spec: unknown;
  readonly isSuspendedByAnnotation?: boolean;
  readonly version: string;
}

/**
 * As the API server would: a uid at the first apply, another generation at each change of the spec, nothing where nothing differs.
 * A change by somebody else in between is taken up and looked at again.
 */
export async function putManifest(
  desired: DesiredState,
  manifest: ReadManifest,
  isDryRun: boolean,
): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await putOnce(desired, manifest, isDryRun);
    } catch (thrown) {
      if (asIdraError(thrown).code !== 'Conflict' || attempt === 5) throw thrown;
    }
  }
}

async function putOnce(
  desired: DesiredState,
  { source, spec }: ReadManifest,
  isDryRun: boolean,
): Promise<Applied> {
  const kind = source.kind as ManifestKind;
  const { namespace, name, isSuspendedByAnnotation } = source;
  const stored =
    kind === 'Sync' ? await findSync(desired, namespace, name) : await desired.getDataSource(namespace, name);
  const isSame =
    stored !== undefined &&
    isDeepStrictEqual(stored.spec, JSON.parse(JSON.stringify(spec))) &&
    (stored as Stored).isSuspendedByAnnotation === isSuspendedByAnnotation;
  const next = {
    uid: stored?.uid ?? randomUUID(),
    namespace,
    name,
    generation: isSame ? stored.generation : (stored?.generation ?? 0) + 1,
    createdAt: stored?.createdAt ?? new Date().toISOString(),
    spec,
    ...(isSuspendedByAnnotation === undefined ? {} : { isSuspendedByAnnotation }),
  };
  if (!isSame && !isDryRun) {
    const put = kind === 'Sync' ? desired.putSync : desired.putDataSource;
    await put(next, stored?.version ?? '');
  }
  const { uid, generation, createdAt } = next;
  const metadata = { name, namespace, uid, generation, creationTimestamp: createdAt };
  return {
    kind,
    name,
    action: isSame ? 'unchanged' : stored ? 'configured' : 'created',
    object: { apiVersion, kind, metadata, spec },
  };
}

/** One that is being deleted is none: made again under the same name it starts anew. */
async function findSync(desired: DesiredState, namespace: string, name: string): Promise<Stored | undefined> {
  const found = await desired.findSync(namespace, name);
  return found?.deletedAt === undefined ? found : undefined;
}
