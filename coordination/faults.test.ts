import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Etcd3, Range } from 'etcd3';
import { IdraError, type Stopped } from '../core/errors.ts';
import type { SyncLock } from '../core/sync-store.ts';
import { type FaultProxy, faultProxy } from '../e2e/kit/proxy.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { removeFolder } from '../e2e/kit/temp.ts';
import { until } from '../e2e/kit/wait.ts';
import { connectCoordination } from './connect.ts';
import type { AgentSession, Coordination } from './contract.ts';
import { EtcdClient } from './etcd/client.ts';
import { Keys } from './keys.ts';
import { agentOf, Connections } from './test-etcd.ts';
import { statusOf, syncOf } from './test-objects.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof IdraError && error.code === code;
const isFenced = (error: unknown) => error instanceof IdraError && error.disposition === 'fenced';
const never = new AbortController().signal;

const acquire = async (session: AgentSession, uid: string): Promise<SyncLock> => {
  const lock = await session.store.acquire(syncOf(uid));
  assert.ok(lock, 'the lock is free');
  return lock;
};

describe('etcd of three members with faults', () => {
  let server: EtcdServer;
  let connections: Connections;
  before(async () => {
    server = await etcd({ members: 3 });
    connections = new Connections(server);
  });
  after(async () => {
    await connections.close();
    await server.stop();
  });

  test('members killed one after the other: locks and leadership stay, watches miss nothing', async () => {
    const [one, two] = [connections.open(), connections.open()];
    const session = await one.join(agentOf('a'), { leaseTtlMs: 30_000 });
    const lock = await acquire(session, 's');
    const leadership = await session.campaign(never);
    const seen: number[] = [];
    const watching = two.reports.watchStatuses(
      (_uid, status) => seen.push(status?.rows.written ?? -1),
      () => {},
    );
    await watching.isSynced;
    let count = 0;
    const report = async () => {
      count += 1;
      // A change of state is written at once.
      lock.report({ ...statusOf('s', 'Running', count), reason: `R${count}` });
      await lock.offsets.write(String(count));
    };
    for (const member of server.members) {
      await report();
      await member.process.kill();
      await report();
      await leadership.write([{ kind: 'remove', uid: 'none', from: 'a' }]);
      await member.process.restart();
      await report();
      await until(() => seen.at(-1) === count, { what: `status ${count}` });
    }
    assert.equal(await lock.offsets.read(), String(count));
    assert.equal(session.signal.aborted || lock.signal.aborted || leadership.signal.aborted, false);
    await watching.close();
    await session.leave();
  });

  test('all members down: the agent stops by its own clock, and joins again when they are back', async () => {
    const one = connections.open();
    const session = await one.join(agentOf('b'), { leaseTtlMs: 3_000 });
    const lock = await acquire(session, 't');
    for (const member of server.members) await member.process.kill('SIGSTOP');
    await until(() => lock.signal.aborted, { what: 'the deadline' });
    assert.equal((lock.signal.reason as Stopped).reason, 'lease-lost');
    await assert.rejects(lock.offsets.write('x'), isFenced);
    for (const member of server.members) await member.process.kill('SIGCONT');
    let again: AgentSession | undefined;
    await until(
      async () => {
        again = await one.join(agentOf('b'), { leaseTtlMs: 3_000 }).catch(() => undefined);
        return again !== undefined;
      },
      { what: 'the name to be free again' },
    );
    assert.ok(again);
    const next = await acquire(again, 't');
    assert.ok(next.token > lock.token);
    assert.equal(await next.offsets.read(), null);
    await again.leave();
  });
});

describe('an agent with an unreliable connection', () => {
  let server: EtcdServer;
  let connections: Connections;
  let proxy: FaultProxy;
  let near: Coordination;
  let far: Coordination;
  before(async () => {
    server = await etcd();
    connections = new Connections(server);
    near = connections.open();
    const { hostname, port } = new URL(server.endpoints[0] ?? '');
    proxy = await faultProxy(hostname, Number(port));
    far = connections.open([`http://${proxy.host}:${proxy.port}`]);
  });
  after(async () => {
    await connections.close();
    await proxy.stop();
    await server.stop();
  });

  test('lost answers: completed writes and acquired locks are recognized', async () => {
    const session = await far.join(agentOf('far'), { leaseTtlMs: 20_000 });
    for (let round = 0; round < 5; round++) {
      const uid = `lost-${round}`;
      proxy.pause('toClient');
      const acquiring = session.store.acquire(syncOf(uid));
      await until(async () => (await near.cluster.locks()).some((lock) => lock.uid === uid), { what: uid });
      proxy.cut();
      proxy.resume();
      const lock = await acquiring;
      assert.ok(lock, 'it was ours before its answer was lost');
      await lock.offsets.write(String(round));
      assert.equal(await lock.offsets.read(), String(round));
      await lock.release();
    }
    assert.equal(session.signal.aborted, false);
    await session.leave();
  });

  test('a partition: the holder stops before the next one has the lock, and writes nothing afterwards', async () => {
    const other = await near.join(agentOf('near'), { leaseTtlMs: 10_000 });
    const session = await far.join(agentOf('far'), { leaseTtlMs: 2_000 });
    const lock = await acquire(session, 'split');
    let quietMs = Number.POSITIVE_INFINITY;
    lock.signal.addEventListener('abort', () => {
      quietMs = performance.now();
    });
    proxy.pause();
    const writing = lock.offsets.write('late').then(
      () => 'written',
      (error: unknown) => (isFenced(error) ? 'fenced' : String(error)),
    );
    let next = await other.store.acquire(syncOf('split'));
    while (next === undefined) {
      await other.untilFree('split', never);
      next = await other.store.acquire(syncOf('split'));
    }
    assert.ok(quietMs < performance.now(), 'the holder was quiet by then');
    proxy.resume();
    assert.equal(await writing, 'fenced');
    await next.offsets.write('mine');
    assert.equal(await next.offsets.read(), 'mine');
    await other.leave();
  });

  test('a watch that was disconnected during a compaction lists again', async () => {
    const seen = new Map<string, number>();
    const watching = far.reports.watchStatuses(
      (uid, status) => (status ? seen.set(uid, status.rows.written) : seen.delete(uid)),
      () => {},
    );
    await watching.isSynced;
    proxy.refuse();
    const session = await near.join(agentOf('near'), { leaseTtlMs: 10_000 });
    const [gone, kept] = [await acquire(session, 'gone'), await acquire(session, 'kept')];
    gone.report(statusOf('gone', 'Running', 1));
    kept.report(statusOf('kept', 'Running', 2));
    await gone.release();
    await kept.release();
    await near.desired.purgeSync('gone', 'agent');
    const client = new EtcdClient({ endpoints: server.endpoints, prefix: server.prefix });
    await client.compact((await client.range({ key: '/' })).revision);
    client.close();
    proxy.heal();
    await until(() => seen.get('kept') === 2, { what: 'the list' });
    assert.equal(seen.has('gone'), false);
    await watching.close();
    await session.leave();
  });

  test('the key of the leader is deleted: it writes nothing more, although its lease is alive', async () => {
    const session = await near.join(agentOf('leader'), { leaseTtlMs: 10_000 });
    const leadership = await session.campaign(never);
    const client = new EtcdClient({ endpoints: server.endpoints, prefix: server.prefix });
    await client.txn({ compare: [], success: [{ kind: 'delete', key: new Keys(server.prefix).leader }] });
    client.close();
    const versions = { syncVersion: '1', sourceVersion: '1', destinationVersion: '1' };
    const assignment = { uid: 'x', agent: 'leader', ...versions, assignedAt: '' };
    await assert.rejects(leadership.write([{ kind: 'assign', assignment }]), isFenced);
    assert.deepEqual(await near.cluster.assignments(), []);
    assert.equal(session.signal.aborted, false);
    await session.leave();
  });
});

test('etcd is restored to an older state: surviving agents are fenced, watches follow, and the epoch raises tokens', async () => {
  const server = await etcd({ flags: [] });
  const connections = new Connections(server);
  const [member] = server.members;
  assert.ok(member);
  const folder = await mkdtemp(join(tmpdir(), 'idra-etcd-'));
  try {
    const [one, two] = [connections.open(), connections.open()];
    const session = await one.join(agentOf('a'), { leaseTtlMs: 60_000 });
    await member.process.kill();
    await cp(member.process.folder, folder, { recursive: true });
    await member.process.restart();
    const lock = await acquire(session, 's');
    const seen = new Set<string>();
    const watching = two.reports.watchStatuses(
      (uid, status) => (status ? seen.add(uid) : seen.delete(uid)),
      () => {},
    );
    lock.report(statusOf('s', 'Running', 1));
    await until(() => seen.has('s'), { what: 'the status' });
    await member.process.kill();
    await rm(member.process.folder, { recursive: true });
    await cp(folder, member.process.folder, { recursive: true });
    await member.process.restart();
    await two.epoch.raise(0);
    await assert.rejects(lock.offsets.write('of a future that never was'), isFenced);
    assert.ok(session.signal.aborted);
    await until(() => !seen.has('s'), { what: 'the watch to go back too' });
    const successor = await two.join(agentOf('b'), { leaseTtlMs: 10_000 });
    const next = await acquire(successor, 's');
    assert.ok(next.token > lock.token);
    assert.equal(await next.offsets.read(), null);
    await successor.leave();
    await watching.close();
  } finally {
    await connections.close();
    await server.stop();
    await removeFolder(folder);
  }
});

test('etcd with TLS, certificates and a user; and the errors when they are wrong', async () => {
  const server = await etcd({ tls: true, flags: ['--auth-token-ttl=2'] });
  const folder = await mkdtemp(join(tmpdir(), 'idra-etcd-'));
  const open: Coordination[] = [];
  try {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'open sesame\n');
    const files = server.certificates;
    assert.ok(files);
    const { caFile, certFile, keyFile } = files;
    const connect = (more: object) => {
      const made = connectCoordination({ endpoints: server.endpoints, prefix: server.prefix, ...more });
      open.push(made);
      return made;
    };
    const tls = { caFile, certFile, keyFile };
    await connect(tls).ping();
    await assert.rejects(connect({ caFile }).ping(), hasCode('EtcdUnavailable'));
    await addUser(server, tls);
    const known = connect({ ...tls, user: 'idra', passwordFile });
    const session = await known.join(agentOf('a'), { leaseTtlMs: 10_000 });
    const lock = await acquire(session, 's');
    await lock.offsets.write('1');
    // Its etcd token expires meanwhile.
    const startMs = performance.now();
    await until(() => performance.now() - startMs > 4_000, { what: 'the end of a token' });
    await lock.offsets.write('2');
    assert.equal(await lock.offsets.read(), '2');
    assert.equal(session.signal.aborted, false);
    await session.leave();
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, 'open');
    await assert.rejects(
      connect({ ...tls, user: 'idra', passwordFile: wrong }).ping(),
      hasCode('EtcdAuthenticationFailed'),
    );
    const elsewhere = connect({ ...tls, user: 'idra', passwordFile, prefix: '/elsewhere/' });
    await assert.rejects(elsewhere.ping(), hasCode('EtcdPermissionDenied'));
    assert.throws(
      () => connect({ ...tls, user: 'idra', passwordFile: '/none' }),
      hasCode('EtcdNotConfigured'),
    );
  } finally {
    await Promise.all(open.map((each) => each.close()));
    await server.stop();
    await removeFolder(folder);
  }
});

/** `idra` may read and write only the test's prefix. */
async function addUser(
  { endpoints, prefix }: EtcdServer,
  { caFile, certFile, keyFile }: { caFile: string; certFile: string; keyFile: string },
): Promise<void> {
  const admin = new Etcd3({
    hosts: [...endpoints],
    credentials: {
      rootCertificate: await readFile(caFile),
      certChain: await readFile(certFile),
      privateKey: await readFile(keyFile),
    },
  });
  const role = await admin.role('idra').create();
  await role.grant({
    permission: 'Readwrite',
    range: Range.prefix(prefix),
  });
  await (await admin.user('idra').create('open sesame')).addRole('idra');
  await (await admin.user('root').create('root')).addRole('root');
  await admin.auth.authEnable();
  admin.close();
}
