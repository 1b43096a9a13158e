/** Optional fields are omitted, never undefined. */
export type Given<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** Copies the fields that are present. */
export function pick<T extends object, K extends keyof T>(
  object: T,
  names: readonly K[],
): Partial<Given<Pick<T, K>>> {
  return Object.fromEntries(
    names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]),
  ) as Partial<Given<Pick<T, K>>>;
}
