import { type IdraError, permanent } from '../core/errors.ts';

/** The error for operations that this kind of installation does not support. */
export function notOffered(message: string, fix: string, path?: string): IdraError {
  return permanent('NotOfferedHere', message, { fix, ...(path !== undefined && { path }) });
}
