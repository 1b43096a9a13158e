import { permanent } from '../../core/errors.ts';
import { type Route, route } from '../http/route.ts';
import {
  createUserBody,
  updateUserBody,
  userList,
  userParams,
  user as userSchema,
} from '../schemas/users.ts';
import type { Services } from '../services.ts';
import { hashPassword, requireGoodPassword } from '../users/passwords.ts';
import type { VersionedUser } from '../users/users.ts';
import { writable } from './session.ts';

const tag = 'Users';

export function userRoutes(services: Services): readonly Route[] {
  const { users } = services;
  return [
    route({
      id: 'listUsers',
      method: 'GET',
      path: '/users',
      tag,
      summary: 'All users',
      answer: userList,
      async handle() {
        const items = (await users.list()).map(shown);
        return { items, total: items.length };
      },
    }),
    route({
      id: 'createUser',
      method: 'POST',
      path: '/users',
      tag,
      summary: 'Create a user',
      body: createUserBody,
      answer: userSchema,
      status: 201,
      async handle(call) {
        const { name, password, grants } = call.body;
        if (password !== undefined) await requireGoodPassword(password, name);
        const passwordHash = password === undefined ? undefined : await hashPassword(password);
        const made = users.make({
          name,
          source: 'local',
          grants,
          ...(passwordHash !== undefined && { passwordHash, mustSetPassword: true }),
        });
        const change = { action: 'createUser', object: `User ${name}`, after: { grants } };
        await call.change(change, () => users.create(made));
        return shown(await users.require(name));
      },
    }),
    updateRoute(services),
    route({
      id: 'deleteUser',
      method: 'DELETE',
      path: '/users/{name}',
      tag,
      summary: 'Delete a user, with all sessions and tokens',
      params: userParams,
      status: 204,
      async handle(call) {
        const user = await users.require(call.params.name);
        const change = { action: 'deleteUser', object: `User ${user.name}`, before: { grants: user.grants } };
        await call.change(change, () => users.delete(user));
        await services.sessions.endAll(user.name);
        await services.tokens.deleteAll(user.name);
      },
    }),
  ];
}

function updateRoute(services: Services): Route {
  const { users } = services;
  return route({
    id: 'updateUser',
    method: 'PATCH',
    path: '/users/{name}',
    tag,
    summary: 'Change roles or password of a user, or disable it; its sessions end',
    params: userParams,
    body: updateUserBody,
    answer: userSchema,
    async handle(call) {
      const { params, body, request } = call;
      const user = await users.require(params.name);
      requireVersion(request.ifMatch, user.version);
      const { password, ...rest } = body;
      if (password !== undefined) {
        if (user.source === 'oidc') throw permanent('PasswordRefused', `${user.name} logs in by OIDC`);
        await requireGoodPassword(password, user.name);
      }
      const next: VersionedUser = {
        ...user,
        ...(rest.grants && { grants: rest.grants }),
        ...(rest.isDisabled !== undefined && { isDisabled: rest.isDisabled }),
        ...(password !== undefined && { passwordHash: await hashPassword(password), mustSetPassword: true }),
        sessionsFrom: new Date(services.clock.now()).toISOString(),
      };
      const change = {
        action: 'updateUser',
        object: `User ${user.name}`,
        before: { grants: user.grants, isDisabled: user.isDisabled },
        after: { ...rest, ...(password !== undefined && { password: 'set' }) },
      };
      await call.change(change, () => users.update(next));
      await services.sessions.endAll(user.name);
      return shown(await users.require(user.name));
    },
  });
}

/** Throws VersionNeeded or VersionChanged (permanent). */
export function requireVersion(ifMatch: string | undefined, version: string): void {
  if (ifMatch === undefined) {
    throw permanent('VersionNeeded', 'the header If-Match is missing', {
      fix: 'read the object first and send its version',
    });
  }
  if (ifMatch === version || ifMatch === '*') return;
  throw permanent('VersionChanged', 'it was changed by somebody else since it was read', {
    fix: 'read it again, compare, and repeat the change',
  });
}

function shown(user: VersionedUser) {
  const { name, source, grants, isDisabled, mustSetPassword, createdAt, passwordSetAt, version } = user;
  const set = passwordSetAt === undefined ? {} : { passwordSetAt };
  return {
    name,
    source,
    grants: grants.map(writable),
    isDisabled,
    mustSetPassword,
    createdAt,
    ...set,
    version,
  };
}
