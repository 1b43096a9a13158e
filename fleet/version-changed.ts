import { permanent } from '../core/errors.ts';

/** `what`: `Sync team-a/orders`. */
export function versionChanged(what: string): Error {
  return permanent('VersionChanged', `${what} was changed by somebody else since it was read`, {
    fix: 'read it again, compare, and repeat the change',
  });
}
