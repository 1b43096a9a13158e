import type { AnyDestination, Destination } from './connector.ts';

/** Whether it keeps its offsets itself. */
export function holdsOffsets(destination: AnyDestination): destination is Destination {
  return 'commitRows' in destination;
}
