import { type Etcd3, EtcdRoleNotFoundError, EtcdUserNotFoundError, type IPermission } from 'etcd3';
import { backoffMs } from '../../core/backoff.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { asIdraError } from '../../core/errors.ts';
import type { EtcdConfig } from '../config.ts';
import { openEtcd3 } from '../etcd/channels.ts';
import { readCredentials } from '../etcd/credentials.ts';
import { asEtcdError, hasCode } from '../etcd/errors.ts';
import { endOf } from '../etcd/transport.ts';
import { enforcesRoles } from '../etcd/versions.ts';
import { Keys } from '../keys.ts';
import { type Access, type Grant, grantsOf, type RoleName, roleNames } from './roles.ts';

export interface RoleSetup {
  readonly config: EtcdConfig;
  /** By user; a user without a password logs in only by its certificate. */
  readonly passwords: ReadonlyMap<string, string>;
  readonly timeoutMs: number;
  /** Called with each change, and each warning, as a line of text. */
  readonly onChange: (line: string) => void;
  readonly onWarning: (line: string) => void;
  readonly clock?: Clock;
}

/**
 * Creates users and roles as defined in coordination/roles/roles.ts, and turns authentication on. It can be run repeatedly: existing
 * objects are kept, and grants on Idra's keys that a role must not have are revoked. Waits for an etcd that does not answer yet.
 */
export async function setUpRoles(setup: RoleSetup): Promise<void> {
  const { clock = systemClock, config, timeoutMs } = setup;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let attempt = 1; ; attempt++) {
    const admin = await openAdmin(config);
    try {
      return await setUp(admin, setup);
    } catch (thrown) {
      const call = { user: config.user ?? 'root', keys: new Keys(config.prefix), needs: [] };
      const error = asEtcdError(thrown, config.endpoints.join(','), call);
      if (!hasCode(error, 'EtcdUnavailable') || clock.monotonicMs() >= deadlineMs) throw asIdraError(error);
    } finally {
      admin.close();
    }
    await clock.sleep(backoffMs(attempt, { baseMs: 200, maxMs: 2_000 }));
  }
}

/** Before authentication is on, etcd refuses logins with a password. */
async function openAdmin(config: EtcdConfig): Promise<Etcd3> {
  const { options } = readCredentials(config);
  const [hosts = ''] = config.endpoints;
  const admin = openEtcd3(hosts, options);
  if (options.auth === undefined) return admin;
  try {
    await admin.auth.roleList();
  } catch (error) {
    if (error instanceof Error && error.message.includes('authentication is not enabled')) {
      admin.close();
      const { auth: _auth, ...rest } = options;
      return openEtcd3(hosts, rest);
    }
  }
  return admin;
}

async function setUp(admin: Etcd3, setup: RoleSetup): Promise<void> {
  const { config, onWarning } = setup;
  const { version } = await admin.maintenance.status();
  if (!enforcesRoles(version)) {
    onWarning(
      `etcd ${version} lets users bypass the limits of their roles; use 3.5.33, 3.6.14, 3.7.1 or later`,
    );
  }
  const keys = new Keys(config.prefix);
  await ensureRole(admin, 'root', setup);
  for (const role of roleNames) {
    await ensureRole(admin, role, setup);
    await setGrants(admin, role, keys, setup);
  }
  for (const user of ['root', ...roleNames]) await ensureUser(admin, user, setup);
  if (await isEnabled(admin)) return;
  await admin.auth.authEnable();
  setup.onChange('authentication is on');
}

async function ensureRole({ auth }: Etcd3, role: string, { onChange }: RoleSetup): Promise<void> {
  const { roles } = await auth.roleList();
  if (roles.includes(role)) return;
  await auth.roleAdd({ name: role });
  onChange(`role ${role} is created`);
}

async function setGrants(
  { auth }: Etcd3,
  role: RoleName,
  keys: Keys,
  { onChange }: RoleSetup,
): Promise<void> {
  const wanted = grantsOf(role, keys);
  const { perm } = await auth.roleGet({ role });
  const existing = perm.map(toExisting);
  for (const each of existing) {
    if (wanted.some((grant) => isSame(grant, each)) || !concerns(each, keys)) continue;
    await auth.roleRevokePermission({ role, key: each.key, range_end: each.end });
    onChange(`role ${role}: ${each.access} on ${each.key} is revoked`);
  }
  for (const grant of wanted) {
    if (existing.some((each) => isSame(grant, each))) continue;
    await auth.roleGrantPermission({ name: role, perm: toPermission(grant) });
    onChange(`role ${role}: ${grant.access} on ${grant.range.key} is granted`);
  }
}

interface Existing {
  readonly key: Buffer;
  readonly end: Buffer;
  readonly access: Access | 'write';
}

function toExisting({ key, range_end: end, permType }: IPermission): Existing {
  return { key, end, access: permType.toLowerCase() as Existing['access'] };
}

function toPermission({ range, access }: Grant): IPermission {
  return {
    permType: access === 'readwrite' ? 'Readwrite' : 'Read',
    key: Buffer.from(range.key),
    range_end: Buffer.from(range.end),
  };
}

function isSame({ range, access }: Grant, existing: Existing): boolean {
  const isRange = existing.key.toString() === range.key && existing.end.toString() === range.end;
  return isRange && existing.access === access;
}

/** Whether the grant covers keys of Idra, of any layout. The role may have rights on other keys, such as those of another installation. */
function concerns({ key, end }: Existing, { root }: Keys): boolean {
  const prefix = root.slice(0, -'v1/'.length);
  const [first, last] = [Buffer.from(prefix), Buffer.from(endOf(prefix))];
  // An end of one zero byte means the end of all keys; an empty end means the single key.
  const isOpen = end.length === 1 && end[0] === 0;
  const beyond = end.length === 0 ? Buffer.concat([key, Buffer.from([0])]) : end;
  return key.compare(last) < 0 && (isOpen || first.compare(beyond) < 0);
}

async function ensureUser({ auth }: Etcd3, user: string, setup: RoleSetup): Promise<void> {
  const { passwords, onChange } = setup;
  const password = passwords.get(user);
  const roles = await rolesOf(auth, user);
  if (roles === undefined) {
    await auth.userAdd({
      name: user,
      ...(password === undefined ? { options: { no_password: true } } : { password }),
    });
    onChange(`user ${user} is created`);
  } else if (password !== undefined) {
    await auth.userChangePassword({ name: user, password });
    onChange(`user ${user} has the password of its file`);
  }
  for (const role of (roles ?? []).filter((each) => each !== user)) {
    await auth.userRevokeRole({ name: user, role });
    onChange(`user ${user}: role ${role} is revoked`);
  }
  if (roles?.includes(user)) return;
  await auth.userGrantRole({ user, role: user });
  onChange(`user ${user}: role ${user} is granted`);
}

async function rolesOf(auth: Etcd3['auth'], name: string): Promise<readonly string[] | undefined> {
  try {
    return (await auth.userGet({ name })).roles;
  } catch (error) {
    if (error instanceof EtcdUserNotFoundError || error instanceof EtcdRoleNotFoundError) return undefined;
    throw error;
  }
}

/** Releases before 3.5 do not report it; turning it on twice is harmless. */
async function isEnabled({ auth }: Etcd3): Promise<boolean> {
  try {
    return (await auth.authStatus()).enabled === true;
  } catch {
    return false;
  }
}
