import { statSync } from 'node:fs';

/** Which file stands at a path: one that is moved there is another, and whoever has the old one open reads and writes what nobody sees. */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}
