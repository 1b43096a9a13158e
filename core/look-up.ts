/**
 * An entry of a table whose key was sent by a server: a plain `table[key]` also finds `constructor` and what else every object inherits.
 */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
