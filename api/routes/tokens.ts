import { permanent } from '../../core/errors.ts';
import { isWithin } from '../access/roles.ts';
import { type Route, route } from '../http/route.ts';
import { tokenBody, tokenList, tokenMade, tokenParams } from '../schemas/users.ts';
import type { Services } from '../services.ts';
import type { Token } from '../users/tokens.ts';
import { writable } from './session.ts';

const tag = 'Tokens';
const longestMs = 366 * 86_400_000;

export function tokenRoutes({ tokens, clock }: Services): readonly Route[] {
  return [
    route({
      id: 'listTokens',
      method: 'GET',
      path: '/tokens',
      tag,
      summary: 'API tokens of the user',
      answer: tokenList,
      async handle({ caller }) {
        const items = (await tokens.list(caller.user)).map(shown);
        return { items, total: items.length };
      },
    }),
    route({
      id: 'createToken',
      method: 'POST',
      path: '/tokens',
      tag,
      summary: 'Make an API token; the answer is the only place that shows it',
      body: tokenBody,
      answer: tokenMade,
      status: 201,
      async handle(call) {
        const { caller, body } = call;
        const lifeMs = Date.parse(body.expiresAt) - clock.now();
        if (lifeMs <= 0 || lifeMs > longestMs)
          throw permanent('RequestMalformed', 'expiresAt is not within the next year', { path: 'expiresAt' });
        if (!isWithin(body.grants, caller.grants)) {
          throw permanent('AccessDenied', 'the token would have more rights than its user', {
            path: 'grants',
            fix: 'choose a lower role or fewer namespaces',
          });
        }
        const change = { action: 'createToken', object: `Token ${body.name} of ${caller.user}`, after: body };
        const { token, text } = await call.change(change, () =>
          tokens.create({ ...body, user: caller.user }),
        );
        return { token: shown(token), secret: text };
      },
    }),
    route({
      id: 'deleteToken',
      method: 'DELETE',
      path: '/tokens/{id}',
      tag,
      summary: 'Delete an API token',
      params: tokenParams,
      status: 204,
      async handle(call) {
        const { caller, params } = call;
        await call.change({ action: 'deleteToken', object: `Token ${params.id} of ${caller.user}` }, () =>
          tokens.delete(caller.user, params.id),
        );
      },
    }),
  ];
}

function shown({ id, name, grants, createdAt, expiresAt, lastUsedAt }: Token) {
  const used = lastUsedAt === undefined ? {} : { lastUsedAt };
  return { id, name, grants: grants.map(writable), createdAt, expiresAt, ...used };
}
