import { statSync } from 'node:fs';
import type { SystemIdentity } from '../../core/connector.ts';

/** Which file stands at a path: one that is moved there is another, and whoever has the old one open reads and writes what nobody sees. */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/**
 * By which a file is known wherever it is moved to on its disk. A copy is another file, and so is one that was moved to the path; the disk's
 * own number is left out, since it changes when the disk is mounted again. Empty where the file system keeps no time of birth: without it,
 * the number of a file that was deleted may soon be another one's.
 */
export function travellingIdentity(path: string): SystemIdentity {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined || stat.birthtimeNs <= 0n ? [] : [`${stat.ino}/${stat.birthtimeNs}`];
}
