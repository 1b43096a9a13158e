import { writeFileSync } from 'node:fs';

/** A dump of this process would hold every secret in it. On Linux it then holds no memory at all; elsewhere `bin/idra` sets the limit. */
export function forbidCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // No Linux, or /proc is not to be written: the limit that the process was started with holds.
  }
}
