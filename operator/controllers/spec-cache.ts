import { describeError, IdraError, permanent } from '../../core/errors.ts';
import type { ManifestObject, ManifestReader } from '../../core/manifest/reader.ts';
import { type DataSourceObject, type SyncObject, suspendedBy } from './objects.ts';

/** The error of a spec; undefined: it is valid. */
export type Invalid = IdraError | undefined;

interface Reading {
  /** Of the spec that was read. */
  readonly text: string;
  readonly invalid: Invalid;
  readonly isSuspended: boolean;
  /** Paths of fields that this version does not know. */
  readonly ignored: readonly string[];
}

type Read = Omit<Reading, 'text' | 'invalid'>;

/**
 * Caches the result of reading a spec: statuses change far more often. The generation does not identify a spec: restoring a custom
 * resource definition to an earlier version removes fields without a new generation.
 */
export class SpecCache {
  readonly #manifests: ManifestReader;
  readonly #byUid = new Map<string, Reading>();

  constructor(manifests: ManifestReader) {
    this.#manifests = manifests;
  }

  sync(object: SyncObject): Omit<Reading, 'text'> {
    const { invalid, isSuspended, ignored } = this.#read(object, () => {
      const manifest = manifestObject(object);
      const { isSuspended } = this.#manifests.readSync(manifest).spec;
      return { isSuspended, ignored: this.#manifests.admit('Sync', manifest.spec, 'cluster').ignored };
    });
    return { invalid, isSuspended: suspendedBy(object) ?? isSuspended, ignored };
  }

  dataSource(object: DataSourceObject): Invalid {
    return this.#dataSource(object).invalid;
  }

  ignoredOf(object: DataSourceObject): readonly string[] {
    return this.#dataSource(object).ignored;
  }

  forget(uid: string): void {
    this.#byUid.delete(uid);
  }

  #dataSource(object: DataSourceObject): Reading {
    return this.#read(object, () => {
      const { findings, ignored } = this.#manifests.admit('DataSource', object.spec, 'cluster');
      const [first, ...more] = findings.filter(({ severity }) => severity === 'error');
      if (!first) return { isSuspended: false, ignored };
      const others = more.map(describeError);
      throw permanent('ManifestInvalid', [first.message, ...others].join('; and '), first);
    });
  }

  #read({ metadata: { uid }, spec }: SyncObject | DataSourceObject, read: () => Read): Reading {
    const text = JSON.stringify(spec) ?? '';
    const known = this.#byUid.get(uid);
    if (known?.text === text) return known;
    const reading = { text, ...attempt(read) };
    this.#byUid.set(uid, reading);
    return reading;
  }
}

function attempt(read: () => Read): Omit<Reading, 'text'> {
  try {
    return { invalid: undefined, ...read() };
  } catch (thrown) {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent')
      return { invalid: thrown, isSuspended: false, ignored: [] };
    throw thrown;
  }
}

export function manifestObject({
  metadata,
  spec,
}: SyncObject | DataSourceObject): Omit<ManifestObject, 'isSuspendedByAnnotation'> {
  const { uid, namespace = '', name, generation = 1 } = metadata;
  return { uid, namespace, name, generation, spec };
}
