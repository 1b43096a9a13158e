import type {
  Assignment,
  Coordination,
  DesiredDataSource,
  DesiredSync,
} from '../../coordination/contract.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { qualifiedName } from '../../core/sync-spec.ts';

/** A restarted agent reads all its syncs at once: this limits the concurrent reads from etcd. */
const maxAtOnce = 32;

export type Versions = Pick<Assignment, 'syncVersion' | 'sourceVersion' | 'destinationVersion'>;

/** A Sync and its DataSources as written by users; a DataSource is undefined if it does not exist. */
export interface Desired {
  readonly sync: DesiredSync;
  readonly source: DesiredDataSource | undefined;
  readonly destination: DesiredDataSource | undefined;
}

/** The versions that were read, which may be newer than those assigned. */
export function versionsOf({ sync, source, destination }: Desired): Versions {
  return {
    syncVersion: sync.version,
    sourceVersion: source?.version ?? '',
    destinationVersion: destination?.version ?? '',
  };
}

export function isSameVersions(one: Versions, other: Versions): boolean {
  return (
    one.syncVersion === other.syncVersion &&
    one.sourceVersion === other.sourceVersion &&
    one.destinationVersion === other.destinationVersion
  );
}

/** Reads desired state. Many syncs share a DataSource: it is read once for each requested version. */
export class DesiredReader {
  readonly #desired: Coordination['desired'];
  readonly #slots = new Semaphore(maxAtOnce);
  readonly #dataSources = new Map<string, { readonly version: string; readonly read: DataSourceRead }>();

  constructor(desired: Coordination['desired']) {
    this.#desired = desired;
  }

  /** Undefined: the Sync does not exist. */
  async read(assignment: Assignment, signal: AbortSignal): Promise<Desired | undefined> {
    const { uid, sourceVersion, destinationVersion } = assignment;
    const sync = await this.#slots.use(signal, () => this.#desired.getSync(uid));
    if (!sync) return undefined;
    const ends = endsOf(sync.spec);
    const [source, destination] = await Promise.all([
      this.#dataSource(sync.namespace, ends.source, sourceVersion),
      this.#dataSource(sync.namespace, ends.destination, destinationVersion),
    ]);
    return { sync, source, destination };
  }

  #dataSource(namespace: string, name: string, version: string): DataSourceRead {
    const id = qualifiedName({ namespace, name });
    const known = this.#dataSources.get(id);
    if (known?.version === version) return known.read;
    const read = this.#slots.use(undefined, () => this.#desired.getDataSource(namespace, name));
    this.#dataSources.set(id, { version, read });
    const forget = () => {
      if (this.#dataSources.get(id)?.read === read) this.#dataSources.delete(id);
    };
    // A newer version than requested, or none, is not cached.
    read.then((found) => {
      if (found?.version !== version) forget();
    }, forget);
    return read;
  }
}

type DataSourceRead = Promise<DesiredDataSource | undefined>;

/** Reads a spec that may be invalid: the manifest reader reports the errors. */
function endsOf(spec: unknown): { readonly source: string; readonly destination: string } {
  const { source, destination } = (spec ?? {}) as {
    readonly source?: { readonly dataSource?: string };
    readonly destination?: { readonly dataSource?: string };
  };
  return { source: source?.dataSource ?? '', destination: destination?.dataSource ?? '' };
}
