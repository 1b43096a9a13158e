import type { DesiredDataSource, DesiredState, DesiredSync } from '../../coordination/contract.ts';
import { qualifiedName } from '../../core/sync-spec.ts';

/** In namespaces that are not watched. */
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
 * Which objects etcd has, by name: so that what has no custom resource any more (a finalizer taken off by hand, an etcd put back
 * to an older state, an object made anew under its name) is found and removed. Custom resources are the only truth.
 */
export class Inventory {
  readonly syncs = new Uids();
  readonly dataSources = new Uids();
  readonly #desired: Pick<DesiredState, 'read' | 'purgeFinished'>;
  readonly #namespaces: ReadonlySet<string>;

  /** `namespaces`: those that are watched, empty for all. An etcd, or a prefix in it, belongs to one installation. */
  constructor(desired: Pick<DesiredState, 'read' | 'purgeFinished'>, namespaces: readonly string[]) {
    this.#desired = desired;
    this.#namespaces = new Set(namespaces);
  }

  /** What it finds in namespaces that are not watched is no part of it. */
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

  /** Of this name, but another object than this one. */
  strays(key: string, uid: string | undefined): readonly string[] {
    return [...(this.#byKey.get(key) ?? [])].filter((each) => each !== uid);
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }
}
