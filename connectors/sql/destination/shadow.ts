import { counted, countedWere } from '../../../core/counted.ts';
import { IdraError, permanent, transient } from '../../../core/errors.ts';
import { decodeStored, encodeOffset } from '../../../core/offset.ts';

/** The shadow of an unfinished Replace pass is gone, or no longer has the shape of its target. */
export function shadowMissing(target: string): IdraError {
  return transient(
    'ShadowMissing',
    `the shadow of ${target} is missing or differs from it: the pass starts over`,
  );
}

/** Permanent: as long as another program changes the shadow, no pass can be completed, however often it starts over. */
export function replaceCountDiffers(target: string, found: number, written: number): IdraError {
  return permanent(
    'ReplaceCountDiffers',
    `the shadow of ${target} has ${counted(found, 'row')}, but ${countedWere(written, 'row')} written to it: it is not swapped in, and the pass starts over`,
    { path: 'spec.destination.table', fix: 'find out what else changes tables named _idra_*, and stop it' },
  );
}

/** After these errors the claim stores that the pass starts over, so that no owner continues it in a shadow that lacks rows. */
export function startsOver(thrown: unknown): thrown is IdraError {
  return thrown instanceof IdraError && ['ShadowMissing', 'ReplaceCountDiffers'].includes(thrown.code);
}

/** The encoded offset from which the pass of this stored offset starts over; of a complete pass nothing changes. */
export function startOfPass(stored: string | null): string | null {
  const offset = decodeStored(stored);
  if (offset?.mode !== 'Snapshot' || offset.isComplete) return stored;
  return encodeOffset({ ...offset, key: null, isComplete: false });
}
