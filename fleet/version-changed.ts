import { permanent } from '../core/errors.ts';

/** `what`: `Sync team-a/orders`. `expected`: the version that it should have; empty: it should not have existed. */
export function versionChanged(what: string, expected: string): Error {
  if (expected === '')
    return permanent('VersionChanged', `${what} exists already`, {
      fix: 'choose another name, or read it and change it',
    });
  return permanent('VersionChanged', `${what} was changed by somebody else since it was read`, {
    fix: 'read it again, compare, and repeat the change',
  });
}
