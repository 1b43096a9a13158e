import type { WritePlan } from './connector.ts';
import type { Column } from './values.ts';

/**
 * The columns that an upsert sets in an existing row: all columns outside the key, and key columns in which equal values may be written
 * differently. `BOB` replaces `Bob` where case is ignored, and 1.00 replaces 1.0.
 */
export function updatedColumns({ key, columns }: WritePlan): readonly string[] {
  return columns.columns
    .filter(({ name, existing, source }) => !key.includes(name) || !hasSingleSpelling(existing ?? source))
    .map(({ name }) => name);
}

/** Whether values of the column that its system considers equal are always identical. Pure. */
export function hasSingleSpelling({ type, equality }: Column): boolean {
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
