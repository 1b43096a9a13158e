import type { Destination, PlainDestination } from './connector.ts';

export type AnyDestination = Destination | PlainDestination;

/** Whether it keeps its offsets itself. */
export function holdsOffsets(destination: AnyDestination): destination is Destination {
  return 'commitRows' in destination;
}
