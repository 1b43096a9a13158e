interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** In the order of lists: by namespace and name. */
export function byName(one: Named, other: Named): number {
  return one.namespace.localeCompare(other.namespace) || one.name.localeCompare(other.name);
}

/** Names of the data sources that a Sync's spec names, as far as it can be read. */
export function dataSourcesIn(spec: unknown): readonly string[] {
  const ends = spec as
    | { readonly source?: { dataSource?: unknown }; readonly destination?: { dataSource?: unknown } }
    | undefined;
  const names = [ends?.source?.dataSource, ends?.destination?.dataSource];
  return names.filter((name) => typeof name === 'string');
}
