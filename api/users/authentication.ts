import type { Caller } from '../access/caller.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';

export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  /** False: the idle time of the session goes on. */
  readonly isUse?: boolean;
}

/** Who sends a request; undefined: nobody known. A token goes before a cookie. */
export async function authenticate(
  { sessions, tokens }: { readonly sessions: Sessions; readonly tokens: Tokens },
  { authorization, cookie, isUse = true }: Credentials,
): Promise<Caller | undefined> {
  if (authorization !== undefined) {
    const [, text = ''] = /^Bearer ([\w.-]{1,1000})$/i.exec(authorization) ?? [];
    const found = await tokens.find(text);
    return (
      found && { user: found.token.user, grants: found.grants, by: { kind: 'token', id: found.token.id } }
    );
  }
  if (cookie === undefined) return undefined;
  const found = await sessions.find(cookie, isUse);
  if (!found) return undefined;
  const { session, user } = found;
  const { key, csrf, setsPassword } = session;
  return {
    user: session.user,
    grants: setsPassword ? [] : (user?.grants ?? []),
    by: { kind: 'session', key, csrf, setsPassword },
  };
}
