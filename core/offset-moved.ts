import { permanent, transient } from './errors.ts';

/** An offset is set by hand, and another one is stored than was expected. */
export function offsetMoved(expected: string | null, stored: string | null): Error {
  return permanent('OffsetMoved', `the stored offset is ${stored || 'none'}, not ${expected || 'none'}`, {
    mend: 'read it again (idra offset get) and repeat with --expect set to what it says',
  });
}

/** A pass writes, and another offset is stored than the one that it wrote last. */
export function offsetMovedInPass(object: string): Error {
  return transient(
    'OffsetMoved',
    `the offset of ${object} was changed while its Sync ran: nothing was written, and it goes on from the stored one`,
  );
}
