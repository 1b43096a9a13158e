import { permanent } from '../../core/errors.ts';
import { everywhere, type Grant, isGranted, namespacesOf, type Role } from './roles.ts';
import type { Access } from './table.ts';

/** Who has sent a request. */
export interface Caller {
  readonly user: string;
  readonly grants: readonly Grant[];
  readonly by:
    | {
        readonly kind: 'session';
        readonly key: string;
        readonly csrf: string;
        readonly setsPassword: boolean;
      }
    | { readonly kind: 'token'; readonly id: string };
}

/** Throws NotSignedIn, PasswordChangeNeeded or AccessDenied (permanent). `namespace`: that of the path. */
export function requireAccess(
  access: Access,
  caller: Caller | undefined,
  namespace: string | undefined,
): void {
  if (access.who === 'public') return;
  if (!caller) {
    throw permanent('NotSignedIn', 'no valid session or token was sent', {
      fix: 'log in, or send a token: Authorization: Bearer TOKEN',
    });
  }
  const { by } = caller;
  if (access.who === 'passwordSetter') {
    if (by.kind === 'token') throw needsPerson();
    return;
  }
  if (by.kind === 'session' && by.setsPassword) {
    throw permanent('PasswordChangeNeeded', 'a new password must be set first', {
      fix: 'set it with PUT /api/v1/session/password',
    });
  }
  if ('isForPerson' in access && by.kind === 'token') throw needsPerson();
  if (!('in' in access)) return;
  const place = access.in === 'path' ? namespace : everywhere;
  if (
    access.in === 'any'
      ? hasAny(caller, access.who)
      : isGranted(caller.grants, access.who, place ?? everywhere)
  )
    return;
  throw accessDenied(
    access.who,
    access.in === 'path' ? namespace : access.in === 'all' ? everywhere : undefined,
  );
}

/** For objects that only the handler knows. Throws AccessDenied (permanent). */
export function requireRole({ grants }: Caller, role: Role, namespace: string): void {
  if (!isGranted(grants, role, namespace)) throw accessDenied(role, namespace);
}

/** The namespaces whose objects the caller sees in lists. */
export function scopeOf({ grants }: Caller, role: Role): typeof everywhere | ReadonlySet<string> {
  return namespacesOf(grants, role);
}

export function mayIn({ grants }: Caller, role: Role): (of: { readonly namespace: string }) => boolean {
  const allowed = namespacesOf(grants, role);
  return ({ namespace }) => allowed === everywhere || allowed.has(namespace);
}

function hasAny({ grants }: Caller, role: Role): boolean {
  const allowed = namespacesOf(grants, role);
  return allowed === everywhere || allowed.size > 0;
}

function accessDenied(role: Role, namespace: string | undefined): Error {
  const where =
    namespace === undefined
      ? 'in any namespace'
      : namespace === everywhere
        ? 'for all namespaces'
        : `in ${namespace}`;
  return permanent('AccessDenied', `this needs the role ${role} ${where}`, {
    fix: 'ask an administrator for it',
  });
}

function needsPerson(): Error {
  return permanent('AccessDenied', 'this cannot be done with an API token', { fix: 'log in as a user' });
}
