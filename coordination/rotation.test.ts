import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { IdraError } from '../core/errors.ts';
import { makeCertificates } from '../e2e/kit/certificates.ts';
import { etcd } from '../e2e/kit/servers.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { until } from '../e2e/kit/wait.ts';
import { coordinateOver } from './connect.ts';
import { EtcdClient } from './etcd/client.ts';
import { readCredentials } from './etcd/credentials.ts';
import { underPrefix } from './etcd/transport.ts';
import { Keys } from './keys.ts';
import { setUpRoles } from './roles/setup.ts';
import { etcdWithRoles } from './roles/test-roles.ts';
import { agentOf } from './test-etcd.ts';
import { statusOf, syncOf } from './test-objects.ts';

describe('credentials of etcd', () => {
  test('certificates are replaced under a session: its lease, locks and watches go on', async () => {
    const { server, config, sign } = await etcdWithRoles();
    const [agent, operator] = [config('idra-agent'), config('idra-operator')];
    const pace = { checkEveryMs: 100, retiredAfterMs: 300 };
    const open = (from: typeof agent) =>
      coordinateOver(new EtcdClient(from, pace), server.prefix, systemClock);
    const [one, two] = [open(agent), open(operator)];
    const session = await one.join(agentOf('a'), { leaseTtlMs: 60_000 });
    const lock = await session.store.acquire(syncOf('s'));
    assert.ok(lock);
    const seen: number[] = [];
    const watching = two.reports.watchStatuses(
      (_uid, status) => seen.push(status?.rows.written ?? -1),
      () => {},
    );
    await watching.isSynced;
    const write = async (rows: number) => {
      lock.report(statusOf('s', rows % 2 === 0 ? 'Running' : 'Waiting', rows));
      await until(() => seen.includes(rows), { what: `the status of ${rows} rows` });
    };
    try {
      await write(1);
      // Another CA: with the old files nobody can connect to the server that is started with the new ones.
      await makeCertificates(dirname(server.certificates?.caFile ?? ''));
      for (const user of ['idra-agent', 'idra-operator'] as const) await sign(user);
      await server.members[0]?.process.restart();
      await write(2);
      assert.equal(session.signal.aborted, false);
      assert.equal(lock.signal.aborted, false);
      assert.deepEqual(seen, [1, 2]);
      await session.leave();
    } finally {
      await watching.close();
      await Promise.all([one.close(), two.close()]);
      await server.stop();
    }
  });

  test('a certificate and a key that do not match are never used', async () => {
    const folder = await tempFolder('etcd-pair');
    const { caFile, certFile, clientKeyFile } = await makeCertificates(folder);
    const config = { endpoints: ['https://127.0.0.1:1'], prefix: '/idra/', caFile };
    assert.throws(() => readCredentials({ ...config, certFile, keyFile: clientKeyFile }), {
      code: 'EtcdNotConfigured',
      path: 'IDRA_ETCD_KEY',
    });
    await writeFile(join(folder, 'client.key'), 'no key');
    assert.throws(() => readCredentials({ ...config, certFile, keyFile: clientKeyFile }), {
      code: 'EtcdNotConfigured',
      path: 'IDRA_ETCD_CERT',
    });
    await removeFolder(folder);
  });

  test('an expired token is replaced, also under a watch and a lease; a wrong password is reported', async () => {
    const server = await etcd({ members: 1, flags: ['--auth-token-ttl=1'] });
    const folder = await tempFolder('etcd-passwords');
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'secret\n');
    const passwords = new Map(['root', 'idra-agent', 'idra-operator'].map((user) => [user, 'secret']));
    const as = (user: string) => ({ endpoints: server.endpoints, prefix: server.prefix, user, passwordFile });
    const setUp = { passwords, timeoutMs: 30_000, onChange() {}, onWarning() {} };
    await setUpRoles({ ...setUp, config: as('root') });
    // Authentication is on by now, and root has a password.
    await setUpRoles({ ...setUp, config: as('root') });
    const client = new EtcdClient(as('idra-agent'));
    const coordination = coordinateOver(client, server.prefix, systemClock);
    const statuses = underPrefix(new Keys(server.prefix).statuses);
    const seen = new Set<string>();
    try {
      const session = await coordination.join(agentOf('a'), { leaseTtlMs: 30_000 });
      // A client that only opens streams: other calls request another token by themselves.
      const quiet = new EtcdClient(as('idra-agent'));
      const lease = await quiet.grant(30);
      const { revision, cluster } = await quiet.range(statuses);
      // etcd checks for expired tokens once a second.
      await systemClock.sleep(2_500);
      // The first attempt reports that the token has expired, like a network failure; whoever watches or renews tries again.
      let asking: NodeJS.Timeout;
      const watched = () =>
        new Promise((resolve, reject) => {
          const stream = quiet.watch(
            { ...statuses, afterRevision: revision, cluster },
            { onEvents() {}, onProgress: resolve, onEnd: reject },
          );
          // etcd does not answer while a watch catches up.
          asking = setInterval(() => stream.requestProgress(), 200);
        }).finally(() => clearInterval(asking));
      await until(() => watched().then(() => true), { what: 'a watch', timeoutMs: 15_000 });
      assert.ok(await until(() => quiet.keepAlive(lease), { what: 'the renewal', timeoutMs: 15_000 }));
      quiet.close();
      const watching = coordination.reports.watchStatuses(
        (uid) => seen.add(uid),
        () => {},
      );
      const lock = await session.store.acquire(syncOf('s'));
      lock?.report(statusOf('s', 'Running', 1));
      await until(() => seen.has('s'), { what: 'the status' });
      await watching.close();
      await session.leave();

      await writeFile(passwordFile, 'wrong');
      const stranger = new EtcdClient(as('idra-agent'));
      await assert.rejects(
        stranger.range({ key: '/' }),
        (error) => error instanceof IdraError && error.code === 'EtcdAuthenticationFailed',
      );
      stranger.close();
    } finally {
      await coordination.close();
      await server.stop();
      await removeFolder(folder);
    }
  });
});
