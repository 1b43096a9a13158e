import type { EnvironmentReader } from './environment.ts';

/** Bytes of rows that a process may have read but not yet written, over all its syncs. */
export function readBytesInFlight(reader: EnvironmentReader): number {
  return reader.bytes('IDRA_MAX_BYTES_IN_FLIGHT', '128Mi', '1Mi');
}
