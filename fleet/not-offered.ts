import { type IdraError, permanent } from '../core/errors.ts';

/** What this kind of installation does not have. */
export function notOffered(message: string, mend: string, path?: string): IdraError {
  return permanent('NotOfferedHere', message, { mend, ...(path !== undefined && { path }) });
}
