import type { AnyDestination, Destination } from './connector.ts';

/** Whether the destination stores offsets itself. */
export function holdsOffsets(destination: AnyDestination): destination is Destination {
  return 'commitRows' in destination;
}
