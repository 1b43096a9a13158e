import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Grant } from './access/roles.ts';
import { type Access, accessTable, accessTo } from './access/table.ts';
import type { Problem } from './http/problem.ts';
import type { Route } from './http/route.ts';
import { allRoutes } from './routes.ts';
import { singleInstallation, TestApi, TestClient } from './test-api.ts';

interface TestCaller {
  readonly name: string;
  readonly grants: readonly Grant[] | undefined;
  readonly kind: 'session' | 'token' | 'none' | 'setsPassword';
}

const callers: readonly TestCaller[] = [
  { name: 'nobody', grants: undefined, kind: 'none' },
  { name: 'new password', grants: [{ role: 'admin', namespaces: ['*'] }], kind: 'setsPassword' },
  { name: 'no role', grants: [], kind: 'session' },
  ...(['viewer', 'editor', 'admin'] as const).flatMap((role) =>
    [['team-a'], ['team-b'], ['*']].flatMap((namespaces) =>
      (['session', 'token'] as const).map((kind) => ({
        name: `${role} of ${namespaces} by ${kind}`,
        grants: [{ role, namespaces }],
        kind,
      })),
    ),
  ),
];

const order = ['viewer', 'editor', 'admin'];

/** What a person would expect of the entry; independent of the code that decides. */
function isAllowed(access: Access, { kind, grants }: TestCaller): boolean {
  if (access.who === 'public') return true;
  if (kind === 'none') return false;
  if (access.who === 'passwordSetter') return kind !== 'token';
  if (kind === 'setsPassword') return false;
  if ('isForPerson' in access && kind === 'token') return false;
  if (!('in' in access)) return true;
  const [grant] = grants ?? [];
  if (!grant || order.indexOf(grant.role) < order.indexOf(access.who)) return false;
  const isAll = grant.namespaces.includes('*');
  return access.in === 'any' || isAll || (access.in === 'path' && grant.namespaces.includes('team-a'));
}

describe('who may do what', () => {
  let api: TestApi;
  let routes: readonly Route[];
  before(async () => {
    const { installation, close } = await singleInstallation();
    api = await TestApi.start(installation, { close });
    routes = allRoutes(api.api.services);
    const { users } = api.api.services;
    await users.setUp('admin', 'none');
  });
  after(() => api?.stop());

  test('every route has an entry in the table, and every entry a route', () => {
    assert.deepEqual(routes.map(({ id }) => id).sort(), Object.keys(accessTable).sort());
  });

  test('only these are for everybody', () => {
    const open = routes.filter(({ id }) => accessTo(id).who === 'public').map(({ id }) => id);
    assert.deepEqual(open.sort(), [
      'beginOidc',
      'finishOidc',
      'getDocs',
      'getLoginMethods',
      'getOpenApi',
      'getVersion',
      'login',
    ]);
  });

  // The other tests follow the table, so what it says is said here a second time.
  test('a viewer only reads what is stored, and what touches all namespaces is for administrators', () => {
    const idsOf = (fits: (access: Access) => boolean) =>
      routes
        .map(({ id }) => id)
        .filter((id) => fits(accessTo(id)))
        .sort();
    const forViewers = routes.filter(({ id }) => accessTo(id).who === 'viewer');
    assert.deepEqual([...new Set(forViewers.map(({ method }) => method))], ['GET']);
    const noEditor = ({ who }: Access) => who !== 'viewer' && who !== 'editor';
    const changes = new Set(routes.filter(({ method }) => method !== 'GET').map(({ id }) => id));
    assert.deepEqual(
      idsOf((access) => access.who === 'admin'),
      [
        'createUser',
        'deleteUser',
        'exportAudit',
        'holdAgent',
        'listAudit',
        'listUsers',
        'previewMoves',
        'rebalance',
        'releaseAgent',
        'updateUser',
      ],
    );
    assert.deepEqual(
      idsOf((access) => access.who === 'admin' && access.in !== 'all'),
      [],
    );
    const ownAccount = idsOf((access) => noEditor(access) && access.who !== 'admin').filter((id) =>
      changes.has(id),
    );
    assert.deepEqual(ownAccount, [
      'createToken',
      'deleteSessions',
      'deleteToken',
      'login',
      'logout',
      'setOwnPassword',
    ]);
    assert.deepEqual(
      idsOf((access) => access.who === 'editor' && access.in !== 'path'),
      ['actOnSyncs'],
      'each Sync is looked at by itself',
    );
    const forPeople = idsOf((access) => 'isForPerson' in access || access.who === 'passwordSetter');
    for (const id of ['createUser', 'updateUser', 'deleteUser', 'createToken', 'setOwnPassword'])
      assert.ok(forPeople.includes(id as never), id);
  });

  for (const caller of callers)
    test(`${caller.name}: allowed and refused as in the table`, async () => {
      const { users, sessions, tokens } = api.api.services;
      const name = `user-${callers.indexOf(caller)}`;
      if (caller.grants) await users.create(users.make({ name, source: 'local', grants: caller.grants }));
      const clientFor = async (): Promise<TestClient> => {
        const client = new TestClient(api.api.url);
        if (caller.kind === 'none') return client;
        if (caller.kind === 'token') {
          await tokens.deleteAll(name);
          const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
          client.token = (
            await tokens.create({ user: name, name: 't', grants: caller.grants ?? [], expiresAt })
          ).text;
          return client;
        }
        const { cookie, session } = await sessions.begin({
          user: name,
          setsPassword: caller.kind === 'setsPassword',
          ip: '',
          userAgent: '',
        });
        client.cookie = cookie;
        client.csrf = session.csrf;
        return client;
      };
      for (const { id, method, path } of routes) {
        // Some end the session.
        const client = await clientFor();
        const url = path.replace('{namespace}', 'team-a').replaceAll(/\{\w+\}/g, 'nothing');
        const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
        const { status, body: answer } = await client.call(url, { method, ...body });
        const code = status >= 400 ? (answer as Problem).code : '';
        const isRefused = ['NotSignedIn', 'AccessDenied', 'PasswordChangeNeeded'].includes(code);
        assert.equal(!isRefused, isAllowed(accessTo(id), caller), `${id}: ${status} ${code}`);
        assert.ok(status < 500, `${id}: ${JSON.stringify(answer)}`);
        if (isRefused) assert.equal(status, caller.kind === 'none' ? 401 : 403);
      }
    });
});
