import { dataSourceKeysOf, type SyncObject } from './objects.ts';

/** Which syncs use which data source, updated by watch events. */
export class Users {
  readonly #byDataSource = new Map<string, Set<string>>();

  /** Returns the keys of the data sources for which something changed. */
  change(key: string, before: SyncObject | undefined, after: SyncObject | undefined): readonly string[] {
    const [were, are] = [before ? dataSourceKeysOf(before) : [], after ? dataSourceKeysOf(after) : []];
    for (const each of were) if (!are.includes(each)) this.#remove(each, key);
    for (const each of are) this.#add(each, key);
    return [...were.filter((each) => !are.includes(each)), ...are.filter((each) => !were.includes(each))];
  }

  /** Keys of syncs, sorted. */
  of(dataSource: string): readonly string[] {
    return [...(this.#byDataSource.get(dataSource) ?? [])].sort();
  }

  count(dataSource: string): number {
    return this.#byDataSource.get(dataSource)?.size ?? 0;
  }

  #add(dataSource: string, sync: string): void {
    const users = this.#byDataSource.get(dataSource);
    if (users) users.add(sync);
    else this.#byDataSource.set(dataSource, new Set([sync]));
  }

  #remove(dataSource: string, sync: string): void {
    const users = this.#byDataSource.get(dataSource);
    users?.delete(sync);
    if (users?.size === 0) this.#byDataSource.delete(dataSource);
  }
}
