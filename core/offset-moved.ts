import { permanent, transient } from './errors.ts';

/** Error for a manual offset change when the stored offset is not the expected one. */
export function offsetMoved(expected: string | null, stored: string | null): Error {
  return permanent('OffsetMoved', `the stored offset is ${stored || 'none'}, not ${expected || 'none'}`, {
    fix: 'read it again (idra offset get) and repeat with --expect set to that value',
  });
}

/** Error in a pass when the stored offset is not the one that the pass wrote last. */
export function offsetMovedInPass(object: string): Error {
  return transient(
    'OffsetMoved',
    `the offset of ${object} was changed while its Sync ran: nothing was written, and it continues from the stored offset`,
  );
}
