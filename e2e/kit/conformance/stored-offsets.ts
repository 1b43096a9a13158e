import { StoredOffsets } from '../../../agent/engine/stored-offsets.ts';
import { sync } from '../../../agent/engine/test-objects.ts';
import type { Connector, Destination } from '../../../core/connector.ts';
import { holdsOffsets } from '../../../core/plain-destination.ts';

/** A destination that stores no offsets gets a store of its own, as in the engine. */
export function withStoredOffsets(connector: Connector): Connector<Destination> {
  return {
    ...connector,
    async openDestination(access, object, signal) {
      const destination = await connector.openDestination(access, object, signal);
      if (holdsOffsets(destination)) return destination;
      let offset: string | null = null;
      return new StoredOffsets(destination, sync, {
        readOffset: async () => offset,
        writeOffset: async (written) => {
          offset = written;
        },
        progress: () => ({ hasCaughtUp: false, isCompleted: false }),
      });
    },
  };
}
