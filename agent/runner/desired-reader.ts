import type {
  Assignment,
  Coordination,
  DesiredDataSource,
  DesiredSync,
} from '../../coordination/contract.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { qualifiedName } from '../../core/sync-spec.ts';

/** A restart of an agent reads all its syncs at once: etcd is asked for so many at a time. */
const maxAtOnce = 32;

export type Versions = Pick<Assignment, 'syncVersion' | 'sourceVersion' | 'destinationVersion'>;

/** A Sync and its ends as users wrote them; an end is undefined where the DataSource is not there. */
export interface Desired {
  readonly sync: DesiredSync;
  readonly source: DesiredDataSource | undefined;
  readonly destination: DesiredDataSource | undefined;
}

/** What was read, which may be newer than what was assigned. */
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

/** Reads what is to be run. Many syncs share a DataSource: it is read once for each version that is asked for. */
export class DesiredReader {
  readonly #desired: Coordination['desired'];
  readonly #slots = new Semaphore(maxAtOnce);
  readonly #dataSources = new Map<string, { readonly version: string; readonly read: DataSourceRead }>();

  constructor(desired: Coordination['desired']) {
    this.#desired = desired;
  }

  /** Undefined: the Sync is gone. */
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
    // A newer one than was asked for, or none, is for this once.
    read.then((found) => {
      if (found?.version !== version) forget();
    }, forget);
    return read;
  }
}

type DataSourceRead = Promise<DesiredDataSource | undefined>;

/** Of a spec that may not be valid: whoever reads the manifest says so. */
function endsOf(spec: unknown): { readonly source: string; readonly destination: string } {
  const { source, destination } = (spec ?? {}) as {
    readonly source?: { readonly dataSource?: string };
    readonly destination?: { readonly dataSource?: string };
  };
  return { source: source?.dataSource ?? '', destination: destination?.dataSource ?? '' };
}
