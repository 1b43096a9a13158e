import { qualifiedName } from '../../core/sync-spec.ts';
import type { FleetDataSource, FleetSync } from '../contract.ts';
import { dataSourcesIn } from '../names.ts';
import type { Outage, ViewChange } from './contract.ts';

/** The Syncs and DataSources of a view, with the indexes that readers need. */
export class ViewObjects {
  readonly syncs = new Map<string, FleetSync>();
  readonly #dataSources = new Map<string, FleetDataSource>();
  /** Uids by `namespace/name`: a deleted Sync and its successor may have one name. */
  readonly #names = new Map<string, Set<string>>();
  /** Number of Syncs by `namespace/name` of the DataSource. */
  readonly #users = new Map<string, number>();
  readonly #listeners = new Set<(change: ViewChange) => void>();
  #outage: Outage | undefined;

  setSync(uid: string, sync: FleetSync | undefined): void {
    const before = this.syncs.get(uid);
    if (!before && !sync) return;
    if (before) this.#index(before, -1);
    if (sync) {
      this.syncs.set(uid, sync);
      this.#index(sync, 1);
    } else this.syncs.delete(uid);
    this.notify({ kind: 'sync', uid });
    const used = new Set([...usedBy(before), ...usedBy(sync)]);
    if (usedBy(before).join() === usedBy(sync).join()) return;
    for (const name of used) if (this.#dataSources.has(name)) this.notify({ kind: 'dataSource', name });
  }

  setDataSource(name: string, dataSource: FleetDataSource | undefined): void {
    if (dataSource) this.#dataSources.set(name, dataSource);
    else if (!this.#dataSources.delete(name)) return;
    this.notify({ kind: 'dataSource', name });
  }

  *dataSources(): Iterable<FleetDataSource> {
    for (const [name, each] of this.#dataSources) yield this.#withUsers(name, each);
  }

  findDataSource(namespace: string, name: string): FleetDataSource | undefined {
    const found = this.#dataSources.get(`${namespace}/${name}`);
    return found && this.#withUsers(`${namespace}/${name}`, found);
  }

  findSync(namespace: string, name: string): FleetSync | undefined {
    const all = [...(this.#names.get(`${namespace}/${name}`) ?? [])].map((uid) => this.syncs.get(uid));
    return all.find((each) => each?.deletedAt === undefined) ?? all[0];
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  setOutage(outage: Omit<Outage, 'since'> | undefined): void {
    if (outage?.code === this.#outage?.code) return;
    this.#outage = outage && { ...outage, since: new Date().toISOString() };
    this.notify({ kind: 'outage' });
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(change: ViewChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #withUsers(name: string, dataSource: FleetDataSource): FleetDataSource {
    return { ...dataSource, syncs: this.#users.get(name) ?? 0 };
  }

  #index(sync: FleetSync, step: 1 | -1): void {
    const name = qualifiedName(sync);
    const uids = this.#names.get(name) ?? new Set();
    if (step === 1) this.#names.set(name, uids.add(sync.uid));
    else if (uids.delete(sync.uid) && uids.size === 0) this.#names.delete(name);
    for (const used of usedBy(sync)) this.#users.set(used, (this.#users.get(used) ?? 0) + step);
  }
}

/** `namespace/name` of the DataSources, each once. */
function usedBy(sync: FleetSync | undefined): readonly string[] {
  if (!sync) return [];
  return [...new Set(dataSourcesIn(sync.spec))].map((name) => `${sync.namespace}/${name}`);
}
