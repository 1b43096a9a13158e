import { writeFileSync } from 'node:fs';

/**
 * A core dump of this process would contain every secret it holds. On Linux the dump filter excludes all memory; elsewhere `bin/idra`
 * sets the limit.
 */
export function forbidCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Not Linux, or /proc is not writable: the limit that the process was started with applies.
  }
}
