import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { DesiredState } from '../coordination/contract.ts';
import { asIdraError } from '../core/errors.ts';
import { apiVersion, type ManifestKind } from '../core/manifest/names.ts';
import type { Applied, FleetManifest, PutOptions } from './contract.ts';
import { versionChanged } from './version-changed.ts';

interface Stored {
  readonly uid: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly spec: unknown;
  readonly isSuspendedByAnnotation?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly version: string;
}

/**
 * Behaves like the API server: a new uid at the first apply, a new generation at each change of the spec, and no write if nothing
 * differs. On a concurrent change it reads the object and tries again.
 */
export async function putManifest(
  desired: DesiredState,
  manifest: FleetManifest,
  options: PutOptions,
): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await putOnce(desired, manifest, options);
    } catch (thrown) {
      if (asIdraError(thrown).code !== 'Conflict' || attempt === 20) throw thrown;
    }
  }
}

async function putOnce(
  desired: DesiredState,
  manifest: FleetManifest,
  { isDryRun = false, ifVersion: expected }: PutOptions,
): Promise<Applied> {
  const { kind, namespace, name, spec } = manifest;
  const stored = await find(desired, kind, namespace, name);
  if (expected !== undefined && (stored?.version ?? '') !== expected)
    throw versionChanged(`${kind} ${namespace}/${name}`, expected);
  const isSameSpec = isDeepStrictEqual(stored?.spec, JSON.parse(JSON.stringify(spec)));
  // If the manifest does not set it, the value set by `idra suspend` is kept.
  const isSuspendedByAnnotation = manifest.isSuspendedByAnnotation ?? stored?.isSuspendedByAnnotation;
  const labels = manifest.labels ?? stored?.labels;
  const isSame =
    isSameSpec &&
    stored?.isSuspendedByAnnotation === isSuspendedByAnnotation &&
    isDeepStrictEqual(stored?.labels, labels);
  const { uid, generation, createdAt } = stored ?? {
    uid: randomUUID(),
    generation: 0,
    createdAt: new Date().toISOString(),
  };
  const next = {
    uid,
    namespace,
    name,
    generation: isSameSpec ? generation : generation + 1,
    createdAt,
    spec,
    ...(labels && { labels }),
  };
  if (!isSame && !isDryRun) {
    const ifVersion = stored?.version ?? '';
    const flag = isSuspendedByAnnotation === undefined ? {} : { isSuspendedByAnnotation };
    if (kind === 'Sync' && !stored) await desired.createSync({ ...next, ...flag });
    else if (kind === 'Sync') await desired.putSync({ ...next, ...flag }, ifVersion);
    else await desired.putDataSource(next, ifVersion);
  }
  const metadata = {
    name,
    namespace,
    uid,
    generation: next.generation,
    creationTimestamp: createdAt,
    ...(labels && { labels }),
  };
  return {
    kind,
    name,
    action: isSame ? 'unchanged' : stored ? 'configured' : 'created',
    object: { apiVersion, kind, metadata, spec },
  };
}

/** Ignores a Sync that is being deleted: a new Sync of the same name starts from nothing. */
async function find(
  desired: DesiredState,
  kind: ManifestKind,
  namespace: string,
  name: string,
): Promise<Stored | undefined> {
  if (kind === 'DataSource') return await desired.getDataSource(namespace, name);
  const found = await desired.findSync(namespace, name);
  return found?.deletedAt === undefined ? found : undefined;
}
