interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Sort order of lists: by namespace and name. */
export function byName(one: Named, other: Named): number {
  return one.namespace.localeCompare(other.namespace) || one.name.localeCompare(other.name);
}

/** Names of the data sources in the spec of a Sync, as far as it can be read. */
export function dataSourcesIn(spec: unknown): readonly string[] {
  const ends = spec as
    | { readonly source?: { dataSource?: unknown }; readonly destination?: { dataSource?: unknown } }
    | undefined;
  const names = [ends?.source?.dataSource, ends?.destination?.dataSource];
  return names.filter((name) => typeof name === 'string');
}
