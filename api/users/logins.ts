import { permanent } from '../../core/errors.ts';
import type { Call } from '../http/route.ts';
import type { LoginLimits } from './login-limits.ts';
import { isPassword } from './passwords.ts';
import type { FoundSession, Sessions } from './sessions.ts';
import type { Users } from './users.ts';

/** Name and password of the documented first login: it works until the first password is set, and only to set it. */
export const firstLogin = 'admin';

export interface LoginDeps {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly limits: LoginLimits;
  /** With a provider of OpenID Connect somebody can log in, so that there is no first login. */
  readonly oidc: object | undefined;
}

interface Attempt {
  readonly user: string;
  readonly password: string;
  readonly request: Pick<Call['request'], 'ip' | 'userAgent'>;
}

export interface LoggedIn {
  readonly cookie: string;
  readonly session: FoundSession;
}

/**
 * Throws LoginFailed (permanent) or LoginThrottled (transient). A user that does not exist costs the same reads and the same hash as one
 * that does, and the answers are equal.
 */
export async function logIn(deps: LoginDeps, { user: name, password, request }: Attempt): Promise<LoggedIn> {
  const { users, sessions, limits } = deps;
  limits.require(name, request.ip);
  const { user, isSetUp } = await users.forLogin(name);
  const isRight = await isPassword(password, user?.passwordHash);
  const isFirst = !isSetUp && deps.oidc === undefined && name === firstLogin && password === firstLogin;
  if (!isFirst && (!isRight || !user || user.isDisabled)) {
    limits.failed(name, request.ip);
    throw permanent('LoginFailed', 'user name or password is wrong', { fix: 'check both' });
  }
  limits.succeeded(name, request.ip);
  return await sessions.begin({
    user: name,
    setsPassword: isFirst || user?.mustSetPassword === true,
    ip: request.ip,
    userAgent: request.userAgent,
    ...(isFirst && { isFirst: true }),
  });
}
