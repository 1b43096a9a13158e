import { z } from 'zod';
import { asIdraError, permanent } from '../../core/errors.ts';
import { cookieText, readCookie } from '../http/cookies.ts';
import { type Call, type Route, route } from '../http/route.ts';
import { loginMethods } from '../schemas/users.ts';
import type { Services } from '../services.ts';
import type { OidcAttempt, OidcUser } from '../users/oidc.ts';
import { sessionCookie } from '../users/sessions.ts';

const tag = 'Session';
/** Sent along when the provider redirects back, which a strict cookie is not. */
const attemptCookie = '__Host-idra-oidc';
const attemptSeconds = 600;

/** A path of this server; `//host` would be another one. */
const returnPath = z
  .string()
  .max(1_000)
  .regex(/^\/(?![/\\])[!-[\]-~]*$/)
  .default('/');

export function oidcRoutes(services: Services): readonly Route[] {
  return [methodsRoute(services), beginRoute(services), callbackRoute(services)];
}

function methodsRoute({ oidc, users }: Services): Route {
  return route({
    id: 'getLoginMethods',
    method: 'GET',
    path: '/login-methods',
    tag,
    summary: 'How users can log in here',
    answer: loginMethods,
    handle: async () => ({
      password: true,
      oidc: oidc !== undefined,
      awaitsFirstLogin: oidc === undefined && !(await users.isSetUp()),
    }),
  });
}

function beginRoute(services: Services): Route {
  const { oidc } = services;
  return route({
    id: 'beginOidc',
    method: 'GET',
    path: '/session/oidc',
    tag,
    summary: 'Redirects to the provider of OpenID Connect',
    query: z.strictObject({ returnTo: returnPath }),
    status: 302,
    handle: (call) =>
      orLoginPage(services, call, async () => {
        const { query, reply } = call;
        if (!oidc) throw notConfigured();
        const { url, attempt } = await oidc.begin(query.returnTo);
        const value = Buffer.from(JSON.stringify(attempt)).toString('base64url');
        reply.cookie(cookieText(attemptCookie, value, { sameSite: 'Lax', maxAgeSeconds: attemptSeconds }));
        reply.header('location', url);
      }),
  });
}

function callbackRoute(services: Services): Route {
  return route({
    id: 'finishOidc',
    method: 'GET',
    path: '/session/oidc/callback',
    tag,
    summary: 'The provider redirects here after a login',
    query: z.looseObject({ code: z.string().max(4_096).optional(), state: z.string().max(1_000).optional() }),
    status: 302,
    handle: (call) => orLoginPage(services, call, () => finish(services, call)),
  });
}

/** A user in a browser who cannot be logged in is led back to the page for logins, which says why. */
async function orLoginPage(
  { config, log }: Services,
  { request, reply }: Pick<Call, 'request' | 'reply'>,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = asIdraError(thrown);
    if (!request.wantsPage || error.disposition === 'bug') throw thrown;
    log.warn('a login by OpenID Connect has failed', { code: error.code, message: error.message });
    reply.header('location', `${config.basePath}/?loginError=${error.code}`);
  }
}

async function finish(services: Services, call: Call): Promise<void> {
  const { oidc, audit, sessions, config } = services;
  const { request, reply, maybeCaller } = call;
  if (!oidc) throw notConfigured();
  const attempt = attemptIn(request.cookies);
  reply.cookie(cookieText(attemptCookie, '', { sameSite: 'Lax', maxAgeSeconds: 0 }));
  const user = await oidc.finish(new URLSearchParams(request.query), attempt);
  const { ip, userAgent } = request;
  const change = {
    action: 'login',
    object: `User ${user.name}`,
    after: { groups: user.groups, grants: user.grants },
  };
  const { cookie } = await audit.record({ user: user.name, ip, userAgent }, change, async () => {
    await store(services, user);
    return await sessions.begin({ user: user.name, setsPassword: false, ip, userAgent });
  });
  if (maybeCaller?.by.kind === 'session') await sessions.end(maybeCaller.by.key);
  reply.cookie(cookieText(sessionCookie, cookie));
  reply.header('location', `${config.basePath}${attempt.returnTo}`);
}

/** The rights are those of the groups at this login. Throws AccessDenied, LoginFailed (permanent). */
async function store({ users }: Services, { name, subject, grants, groups }: OidcUser): Promise<void> {
  const known = await users.find(name);
  // Sessions and tokens of the other one would get these roles.
  if (known?.subject !== undefined && known.subject !== subject)
    throw permanent('LoginFailed', `${name} is the name of another account of the provider here`, {
      fix: `ask an administrator to delete the user ${name}`,
    });
  if (known?.isDisabled) throw permanent('LoginFailed', `${name} is disabled here`);
  if (grants.length === 0) {
    throw permanent(
      'AccessDenied',
      `none of the groups of ${name} has a role: ${groups.join(', ') || '(none)'}`,
      {
        fix: 'ask an administrator to give one a role (IDRA_API_OIDC_ROLES)',
      },
    );
  }
  if (known) await users.update({ ...known, grants, subject });
  else await users.create(users.make({ name, source: 'oidc', grants, subject }));
}

const attemptSchema = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: returnPath,
});

function attemptIn(cookies: string | undefined): OidcAttempt {
  const text = Buffer.from(readCookie(cookies, attemptCookie) ?? '', 'base64url').toString();
  try {
    return attemptSchema.parse(JSON.parse(text));
  } catch {
    throw permanent('LoginFailed', 'this login was not begun in this browser, or too long ago', {
      fix: 'log in again',
    });
  }
}

function notConfigured(): Error {
  return permanent('NotOfferedHere', 'no provider of OpenID Connect is configured', {
    fix: 'set IDRA_API_OIDC_ISSUER and the other variables of docs/api.md',
  });
}
