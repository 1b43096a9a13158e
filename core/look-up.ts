/** Looks up a key that was sent by a server: a plain `table[key]` would also find `constructor` and other inherited properties. */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
