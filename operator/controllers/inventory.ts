import type { DesiredDataSource, DesiredState, DesiredSync } from '../../coordination/contract.ts';
import { qualifiedName } from '../../core/sync-spec.ts';

/** What etcd holds of namespaces that are not watched. */
export interface Outside {
  readonly syncs: readonly DesiredSync[];
  readonly dataSources: readonly DesiredDataSource[];
}

interface Named {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The objects in etcd, by name, to find and delete those without a custom resource (a finalizer removed by hand, an etcd restored to an
 * older state, an object recreated under its name). Custom resources are the only source of truth.
 */
export class Inventory {
  readonly syncs = new Uids();
  readonly dataSources = new Uids();
  readonly #desired: Pick<DesiredState, 'read' | 'purgeFinished'>;
  readonly #namespaces: ReadonlySet<string>;

  /** `namespaces`: the watched ones, empty for all. An etcd, or a prefix in it, belongs to one installation. */
  constructor(desired: Pick<DesiredState, 'read' | 'purgeFinished'>, namespaces: readonly string[]) {
    this.#desired = desired;
    this.#namespaces = new Set(namespaces);
  }

  /** Objects in namespaces that are not watched are returned, not added to the inventory. */
  async read(): Promise<Outside> {
    await this.#desired.purgeFinished();
    const { syncs, dataSources } = await this.#desired.read();
    const isOurs = ({ namespace }: Named) => this.#namespaces.size === 0 || this.#namespaces.has(namespace);
    for (const each of syncs.filter(isOurs)) this.syncs.add(qualifiedName(each), each.uid);
    for (const each of dataSources.filter(isOurs)) this.dataSources.add(qualifiedName(each), each.uid);
    const isOutside = (each: Named) => !isOurs(each);
    return { syncs: syncs.filter(isOutside), dataSources: dataSources.filter(isOutside) };
  }
}

/** `namespace/name` -> uids: usually one. */
export class Uids {
  readonly #byKey = new Map<string, Set<string>>();

  add(key: string, uid: string): void {
    const uids = this.#byKey.get(key);
    if (uids) uids.add(uid);
    else this.#byKey.set(key, new Set([uid]));
  }

  delete(key: string, uid: string): void {
    const uids = this.#byKey.get(key);
    uids?.delete(uid);
    if (uids?.size === 0) this.#byKey.delete(key);
  }

  /** Uids of this name other than the current object's. */
  orphans(key: string, uid: string | undefined): readonly string[] {
    return [...(this.#byKey.get(key) ?? [])].filter((each) => each !== uid);
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }
}
