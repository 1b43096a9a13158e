import { type IdraError, permanent } from '../../../core/errors.ts';

/**
 * Tables that Idra creates for itself (`_idra_commits`, a shadow) are in the schema of the target, where others may create objects too. A
 * table, view or trigger put there in advance would run with the rights of Idra's user whenever a row is written. So each table is
 * checked before it is used.
 */
export function ownTableUnsafe(name: string, faults: readonly string[], fix: string): IdraError {
  return permanent(
    'OwnTableUnsafe',
    `${name} is reserved for a table of Idra, but the existing one ${faults.join(', ')}: objects that other users attached to it would run with the rights of this user`,
    { path: 'spec.destination.table', fix },
  );
}

/** A fault of a table with the objects that cause it; none if there are none. The first cell of a row is a name. */
export function namedFault(what: string, rows: readonly (readonly unknown[])[] = []): readonly string[] {
  return rows.length === 0 ? [] : [`${what} (${rows.map(([name]) => name).join(', ')})`];
}
