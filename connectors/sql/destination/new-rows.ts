import type { Batch } from '../../../core/batch.ts';

/**
 * Whether the rows of an Upsert are tried as new ones before they are merged. A guess, verified by a unique index of the key: new ids, a first
 * snapshot, and rows for a table that was empty do not exist there yet.
 */
export function mayBeNew({ offset }: Pick<Batch, 'offset'>, wasEmpty: boolean): boolean {
  return wasEmpty || offset.mode === 'Id' || (offset.mode === 'Snapshot' && offset.pass === 1);
}
