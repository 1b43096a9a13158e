import { asIdraError, permanent } from '../../core/errors.ts';
import { cookieText } from '../http/cookies.ts';
import { type Call, type Route, route } from '../http/route.ts';
import { loginBody, sessionInfo, sessionList, setPasswordBody } from '../schemas/users.ts';
import type { Services } from '../services.ts';
import { type Checked, checkLogin, firstLogin } from '../users/logins.ts';
import { hashPassword, isPassword, requireGoodPassword } from '../users/passwords.ts';
import { type FoundSession, sessionCookie } from '../users/sessions.ts';

const tag = 'Session';

export function sessionRoutes(services: Services): readonly Route[] {
  return [
    loginRoute(services),
    getSessionRoute(services),
    logoutRoute(services),
    setPasswordRoute(services),
    listSessionsRoute(services),
    deleteSessionsRoute(services),
  ];
}

function loginRoute(services: Services): Route {
  const { sessions, audit } = services;
  return route({
    id: 'login',
    method: 'POST',
    path: '/session',
    tag,
    summary: 'Log in with name and password',
    body: loginBody,
    answer: sessionInfo,
    async handle({ body, request, reply, maybeCaller }) {
      const { ip, userAgent } = request;
      const { user } = body;
      const recorded = <T>(work: () => Promise<T>) =>
        audit.record({ user, ip, userAgent }, { action: 'login', object: `User ${user}` }, work);
      const { atMs, ...checked } = await checkedLogin(services, { ...body, ip }, recorded);
      const { cookie, session } = await recorded(() =>
        sessions.begin({ user, ip, userAgent, ...checked }, atMs),
      );
      // The session before, if any, must not live on under the cookie that is replaced.
      if (maybeCaller?.by.kind === 'session') await sessions.end(maybeCaller.by.key);
      reply.cookie(cookieText(sessionCookie, cookie));
      return await infoOf(services, session);
    },
  });
}

/** Attempts that are throttled have no entry in the audit log: anybody can make thousands of them a second. */
async function checkedLogin(
  services: Services,
  attempt: Parameters<typeof checkLogin>[1],
  recorded: (work: () => Promise<Checked>) => Promise<Checked>,
): Promise<Checked> {
  try {
    return await checkLogin(services, attempt);
  } catch (thrown) {
    if (asIdraError(thrown).code !== 'LoginFailed') throw thrown;
    return await recorded(() => Promise.reject(thrown));
  }
}

function getSessionRoute(services: Services): Route {
  return route({
    id: 'getSession',
    method: 'GET',
    path: '/session',
    tag,
    summary: 'Who is signed in, with which rights',
    answer: sessionInfo,
    async handle({ caller }) {
      const { user, grants, by } = caller;
      const isSession = by.kind === 'session';
      return {
        user,
        grants: grants.map(writable),
        setsPassword: isSession && by.setsPassword,
        by: by.kind,
        csrf: isSession ? by.csrf : '',
        mode: services.mode,
      };
    },
  });
}

function logoutRoute({ sessions }: Services): Route {
  return route({
    id: 'logout',
    method: 'DELETE',
    path: '/session',
    tag,
    summary: 'Sign out',
    status: 204,
    async handle(call) {
      await call.change({ action: 'logout', object: `User ${call.caller.user}` }, async () => {
        if (call.caller.by.kind === 'session') await sessions.end(call.caller.by.key);
      });
      call.reply.cookie(cookieText(sessionCookie, '', { maxAgeSeconds: 0 }));
      call.reply.header('clear-site-data', '"cache", "storage"');
    },
  });
}

function setPasswordRoute(services: Services): Route {
  return route({
    id: 'setOwnPassword',
    method: 'PUT',
    path: '/session/password',
    tag,
    summary: 'Set a new password; all other sessions of the user end',
    body: setPasswordBody,
    answer: sessionInfo,
    handle: (call) => setOwnPassword(services, call),
  });
}

function listSessionsRoute({ sessions }: Services): Route {
  return route({
    id: 'listSessions',
    method: 'GET',
    path: '/session/all',
    tag,
    summary: 'All sessions of the user',
    answer: sessionList,
    async handle({ caller }) {
      const all = await sessions.list(caller.user);
      const own = caller.by.kind === 'session' ? caller.by.key : '';
      const items = all.map(({ key, createdAtMs, seenAtMs, ip, userAgent }) => ({
        id: key.slice(-8),
        isThis: key === own,
        createdAt: new Date(createdAtMs).toISOString(),
        seenAt: new Date(seenAtMs).toISOString(),
        ip,
        userAgent,
      }));
      return { items, total: items.length };
    },
  });
}

function deleteSessionsRoute({ sessions }: Services): Route {
  return route({
    id: 'deleteSessions',
    method: 'DELETE',
    path: '/session/all',
    tag,
    summary: 'Sign out everywhere, also here',
    status: 204,
    async handle(call) {
      const { user } = call.caller;
      await call.change({ action: 'deleteSessions', object: `User ${user}` }, () => sessions.endAll(user));
      call.reply.cookie(cookieText(sessionCookie, '', { maxAgeSeconds: 0 }));
    },
  });
}

async function infoOf({ users, mode }: Services, { user, setsPassword, csrf }: FoundSession) {
  const grants = setsPassword ? [] : ((await users.find(user))?.grants ?? []);
  return { user, grants: grants.map(writable), setsPassword, by: 'session' as const, csrf, mode };
}

export function writable<T extends { readonly namespaces: readonly string[] }>(grant: T) {
  return { ...grant, namespaces: [...grant.namespaces] };
}

interface NewPassword {
  readonly current: string;
  readonly password: string;
}

async function setOwnPassword(services: Services, call: Call<unknown, unknown, NewPassword>) {
  const { users, sessions, loginLimits } = services;
  const { caller, body, request } = call;
  const name = caller.user;
  await requireGoodPassword(body.password, name);
  loginLimits.require(name, request.ip);
  const user = await users.find(name);
  const isFirst = !user && !(await users.isSetUp()) && name === firstLogin && body.current === firstLogin;
  if (!isFirst && !(await isPassword(body.current, user?.passwordHash))) {
    loginLimits.failed(name, request.ip);
    throw permanent('PasswordRefused', 'the current password is wrong', { path: 'current' });
  }
  if (body.password === body.current)
    throw permanent('PasswordRefused', 'the new password is the current one', { path: 'password' });
  const passwordHash = await hashPassword(body.password);
  await call.change({ action: 'setOwnPassword', object: `User ${name}` }, async () => {
    if (!user) {
      await users.setUp(name, passwordHash);
      return;
    }
    const now = new Date(services.clock.now()).toISOString();
    await users.update({
      ...user,
      passwordHash,
      mustSetPassword: false,
      passwordSetAt: now,
      sessionsFrom: now,
    });
  });
  await sessions.endAll(name);
  const { ip, userAgent } = request;
  const { cookie, session } = await sessions.begin({ user: name, setsPassword: false, ip, userAgent });
  call.reply.cookie(cookieText(sessionCookie, cookie));
  return await infoOf(services, session);
}
