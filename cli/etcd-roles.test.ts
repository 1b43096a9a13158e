import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openEtcd3 } from '../coordination/etcd/channels.ts';
import { EtcdClient } from '../coordination/etcd/client.ts';
import { readCredentials } from '../coordination/etcd/credentials.ts';
import { Keys } from '../coordination/keys.ts';
import { grantsOf, isGranted, keyRights, roleNames } from '../coordination/roles/roles.ts';
import { type EtcdWithRoles, environmentOf, etcdWithUsers } from '../coordination/roles/test-roles.ts';
import { IdraError } from '../core/errors.ts';
import { runOrFail } from '../e2e/kit/processes.ts';
import { findServer, inArchive, inDebian, inVariable, onPath } from '../e2e/kit/servers/find.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { idra } from './test-cli.ts';

const asked = (role: string, verb: string, kind: string) => (error: unknown) =>
  error instanceof IdraError &&
  error.code === 'EtcdPermissionDenied' &&
  error.message.includes(`user ${role} to ${verb} ${kind}`) &&
  error.fix?.includes('idra etcd roles') === true;

describe('idra etcd roles', () => {
  let etcd: EtcdWithRoles;
  let keys: Keys;
  before(async () => {
    etcd = await etcdWithUsers();
    keys = new Keys(etcd.server.prefix);
  });
  after(async () => await etcd.server.stop());

  const roles = async (...more: string[]) =>
    await idra(['etcd', 'roles', ...more], environmentOf(etcd.config('root')));
  const admin = () => {
    const config = etcd.config('root');
    return openEtcd3(config.endpoints[0] ?? '', readCredentials(config).options);
  };

  test('creates users and roles and enables authentication once; an older layout is migrated', async () => {
    const first = await roles();
    assert.equal(first.status, 0, first.err);
    assert.match(first.out, /role idra-agent: read on \S+\/v1\/syncs\/ is granted/);
    assert.match(first.out, /authentication is on/);
    const again = await roles();
    assert.equal(again.status, 0, again.err);
    assert.doesNotMatch(again.out, /granted|revoked|created/);

    const { auth, ...client } = admin();
    const range = (key: string, end: string) => ({ key: Buffer.from(key), range_end: Buffer.from(end) });
    const all = {
      permType: 'Readwrite',
      ...range(etcd.server.prefix, `${etcd.server.prefix.slice(0, -1)}0`),
    } as const;
    await auth.roleGrantPermission({ name: 'idra-agent', perm: all });
    await auth.roleGrantPermission({
      name: 'idra-agent',
      perm: { permType: 'Readwrite', ...range(keys.syncs, keys.syncs.replace(/.$/, '0')) },
    });
    const other = { permType: 'Read', ...range('/another/', '/another0') } as const;
    await auth.roleGrantPermission({ name: 'idra-agent', perm: other });
    await auth.userGrantRole({ user: 'idra-agent', role: 'root' });
    const fixed = await roles();
    assert.equal(fixed.status, 0, fixed.err);
    // Releases before 3.5 do not report whether it was enabled before.
    const changes = fixed.out
      .trim()
      .split('\n')
      .filter((line) => line !== 'authentication is on');
    assert.deepEqual(changes.sort(), [
      `role idra-agent: read on ${keys.syncs} is granted`,
      `role idra-agent: readwrite on ${etcd.server.prefix} is revoked`,
      `role idra-agent: readwrite on ${keys.syncs} is revoked`,
      'user idra-agent: role root is revoked',
    ]);
    const { perm } = await auth.roleGet({ role: 'idra-agent' });
    assert.equal(perm.length, grantsOf('idra-agent', keys).length + 1, 'and the keys of another program');
    await auth.roleRevokePermission({ role: 'idra-agent', ...range('/another/', '/another0') });
    (client as unknown as { close(): void }).close?.();
  });

  test('each role can do its task, and is refused everything else', async () => {
    let refused = 0;
    for (const role of roleNames) {
      const client = new EtcdClient(etcd.config(role));
      const grants = grantsOf(role, keys);
      for (const { prefix } of keyRights) {
        const range = { key: `${keys.root}${prefix}`, end: `${keys.root}${prefix}~` };
        const kind = prefix.replace(/\/$/, '');
        const tries = [
          { access: 'read', run: () => client.range(range) },
          {
            access: 'write',
            run: () =>
              client.txn({ compare: [], success: [{ kind: 'put', key: `${range.key}x`, value: '{}' }] }),
          },
          {
            access: 'write',
            run: () => client.txn({ compare: [], success: [{ kind: 'delete', ...range }] }),
          },
        ] as const;
        for (const { access, run } of tries) {
          if (isGranted({ range, access }, grants)) await run();
          else {
            await assert.rejects(run(), asked(role, access, kind), `${role} ${access} ${kind}`);
            refused += 1;
          }
        }
      }
      await assert.rejects(client.range({ key: '/other' }), asked(role, 'read', '/other'));
      client.close();
    }
    assert.ok(refused > 60, `${refused} refusals`);
  });

  test('a watch on keys that may not be read is refused as well', async () => {
    const client = new EtcdClient(etcd.config('idra-operator'));
    const { revision, cluster } = await client.range({ key: keys.epoch });
    const { promise, resolve } = Promise.withResolvers<Error>();
    const range = { key: keys.assignments, end: keys.assignments.replace(/.$/, '0') };
    client.watch(
      { ...range, afterRevision: revision, cluster },
      { onEvents() {}, onProgress() {}, onEnd: resolve },
    );
    const error = await promise;
    assert.ok(asked('idra-operator', 'read', 'assignments')(error), error.message);
    client.close();
  });

  test('a client without a certificate, or with one of another name, has no access', async () => {
    const stranger = new EtcdClient({ ...etcd.config('root'), ...(await etcd.sign('somebody')) });
    await assert.rejects(stranger.range({ key: keys.epoch }), asked('somebody', 'read', 'epoch'));
    stranger.close();
  });

  test('prints the same as a script for etcdctl', async () => {
    const bin = await findServer('etcdctl', [
      inVariable('KUBEBUILDER_ASSETS', ['etcdctl']),
      onPath(['etcdctl']),
      inArchive('kube', '.'),
      inDebian(['etcd-client'], onPath(['etcdctl'])),
    ]);
    const empty = await etcdWithUsers();
    const env = environmentOf(empty.config('root'));
    try {
      const { status, out } = await idra(['etcd', 'roles', '--print'], env);
      assert.equal(status, 0);
      const folder = await tempFolder('roles-script');
      await writeFile(join(folder, 'roles.sh'), out);
      await runOrFail('sh', [join(folder, 'roles.sh')], {
        env: {
          PATH: `${bin}:${process.env.PATH}`,
          ETCDCTL_API: '3',
          ETCDCTL_ENDPOINTS: env.IDRA_ETCD_ENDPOINTS,
          ETCDCTL_CACERT: env.IDRA_ETCD_CA ?? '',
          ETCDCTL_CERT: env.IDRA_ETCD_CERT ?? '',
          ETCDCTL_KEY: env.IDRA_ETCD_KEY ?? '',
        },
      });
      const after = await idra(['etcd', 'roles'], env);
      assert.equal(after.status, 0, after.err);
      assert.doesNotMatch(after.out, /granted|revoked|created/);
    } finally {
      await empty.server.stop();
    }
  });
});
