import { statSync } from 'node:fs';
import type { SystemIdentity } from '../../core/connector.ts';

/** Identifies the file at a path. If another file is moved there, whoever has the old one open reads and writes what nobody sees. */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/**
 * Identifies a file wherever it is moved on its disk. A copy is another file, and so is one that was moved to the path. The disk's own
 * number is left out, since it changes when the disk is remounted. Empty if the file system stores no creation time: without it, the
 * number of a deleted file may soon be reused.
 */
export function travellingIdentity(path: string): SystemIdentity {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined || stat.birthtimeNs <= 0n ? [] : [`${stat.ino}/${stat.birthtimeNs}`];
}
