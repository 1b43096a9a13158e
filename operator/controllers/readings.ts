import { describeError, IdraError, permanent } from '../../core/errors.ts';
import type { ManifestObject, ManifestReader } from '../../core/manifest/reader.ts';
import { type DataSourceObject, type SyncObject, suspendedBy } from './objects.ts';

/** What is wrong with a spec; undefined: nothing. */
export type Invalid = IdraError | undefined;

interface Reading {
  readonly generation: number;
  readonly invalid: Invalid;
  readonly isSuspended: boolean;
}

/** Reads each generation of a spec once: statuses change far more often. */
export class Readings {
  readonly #manifests: ManifestReader;
  readonly #byUid = new Map<string, Reading>();

  constructor(manifests: ManifestReader) {
    this.#manifests = manifests;
  }

  sync(object: SyncObject): { readonly invalid: Invalid; readonly isSuspended: boolean } {
    const { invalid, isSuspended } = this.#read(
      object,
      () => this.#manifests.readSync(manifestObject(object)).spec.isSuspended,
    );
    return { invalid, isSuspended: suspendedBy(object) ?? isSuspended };
  }

  dataSource(object: DataSourceObject): Invalid {
    const read = () => {
      const { findings } = this.#manifests.examine('DataSource', object.spec, 'cluster');
      const [first, ...more] = findings.filter(({ severity }) => severity === 'error');
      if (!first) return false;
      const others = more.map(describeError);
      throw permanent('ManifestInvalid', [first.message, ...others].join('; and '), first);
    };
    return this.#read(object, read).invalid;
  }

  forget(uid: string): void {
    this.#byUid.delete(uid);
  }

  #read(
    { metadata: { uid, generation = 1 } }: SyncObject | DataSourceObject,
    isSuspended: () => boolean,
  ): Reading {
    const known = this.#byUid.get(uid);
    if (known?.generation === generation) return known;
    const reading = { generation, ...attempt(isSuspended) };
    this.#byUid.set(uid, reading);
    return reading;
  }
}

function attempt(isSuspended: () => boolean): Pick<Reading, 'invalid' | 'isSuspended'> {
  try {
    return { invalid: undefined, isSuspended: isSuspended() };
  } catch (thrown) {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent')
      return { invalid: thrown, isSuspended: false };
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
