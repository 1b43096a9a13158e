/**
 * The first release of each minor version that enforces roles completely: earlier ones do not check nested transactions (CVE-2026-33343)
 * or the lease of a put within a transaction, and let a reader of one key watch all keys after it.
 */
const firstOfMinor: ReadonlyMap<number, number> = new Map([
  [5, 33],
  [6, 14],
  [7, 1],
]);

export function enforcesRoles(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major !== 3 || minor > Math.max(...firstOfMinor.keys())) return major >= 3;
  const first = firstOfMinor.get(minor);
  return first !== undefined && patch >= first;
}
