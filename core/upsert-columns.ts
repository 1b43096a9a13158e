import type { WritePlan } from './connector.ts';
import type { Column } from './values.ts';

/**
 * What an upsert sets in a row that is there: all columns but those of the key, and of the key those in which equal values may be written
 * differently. `BOB` takes the place of `Bob` where case does not count, and 1.00 that of 1.0.
 */
export function updatedColumns({ key, columns }: WritePlan): readonly string[] {
  return columns.columns
    .filter(({ name, existing, source }) => !key.includes(name) || !isWrittenOneWay(existing ?? source))
    .map(({ name }) => name);
}

/** Whether values of the column that are equal to its system are the same to everybody. Pure. */
export function isWrittenOneWay({ type, equality }: Column): boolean {
  if (equality !== undefined) return false;
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'bytes':
    case 'date':
    case 'timestamp':
    case 'uuid':
    case 'enum':
    case 'bit':
      return true;
    case 'time':
      return !type.hasZone;
    case 'text':
      return !type.isFixed;
    case 'decimal':
      return type.scale !== undefined;
    default:
      return false;
  }
}
