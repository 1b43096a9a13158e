import type { Clock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { LoginLimits } from './login-limits.ts';
import { isPassword } from './passwords.ts';
import type { Users } from './users.ts';

/** Name and password of the documented first login: it works until the first password is set, and only to set it. */
export const firstLogin = 'admin';

export interface LoginDeps {
  readonly users: Users;
  readonly loginLimits: LoginLimits;
  readonly clock: Clock;
  /** With a provider of OpenID Connect somebody can log in, so that there is no first login. */
  readonly oidc: object | undefined;
}

interface Attempt {
  readonly user: string;
  readonly password: string;
  readonly ip: string;
}

/** What a session may begin with. */
export interface Checked {
  readonly setsPassword: boolean;
  readonly isFirst?: true;
  /** When the stored password was read. */
  readonly atMs: number;
}

/**
 * Throws LoginFailed (permanent) or LoginThrottled (transient). A user that does not exist costs the same reads and the same hash as one
 * that does, and the answers are equal.
 */
export async function checkLogin(deps: LoginDeps, { user: name, password, ip }: Attempt): Promise<Checked> {
  const { users, loginLimits: limits, clock } = deps;
  limits.require(name, ip);
  const atMs = clock.now();
  const { user, isSetUp } = await users.forLogin(name);
  const isRight = await isPassword(password, user?.passwordHash);
  const isFirst = !isSetUp && deps.oidc === undefined && name === firstLogin && password === firstLogin;
  if (!isFirst && (!isRight || !user || user.isDisabled)) {
    limits.failed(name, ip);
    throw permanent('LoginFailed', 'user name or password is wrong', { fix: 'check both' });
  }
  limits.succeeded(name, ip);
  return {
    setsPassword: isFirst || user?.mustSetPassword === true,
    atMs,
    ...(isFirst && { isFirst: true }),
  };
}
