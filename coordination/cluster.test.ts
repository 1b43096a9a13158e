import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { IdraError, Stopped } from '../core/errors.ts';
import type { SlotWait } from '../core/sync-store.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import type { AgentSession, Assignment, Coordination, DesiredSync, New } from './contract.ts';
import { agentOf, Connections } from './test-etcd.ts';
import { dataSourceOf, syncOf } from './test-objects.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof IdraError && error.code === code;
const isFenced = (error: unknown) => error instanceof IdraError && error.disposition === 'fenced';
const ttl = { leaseTtlMs: 10_000 };
const never = new AbortController().signal;
const unexpected = (error: Error) => assert.fail(error);

const desiredSync = (uid: string, name = uid): New<DesiredSync> => ({
  uid,
  namespace: 'default',
  name,
  generation: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  spec: { mode: 'Id' },
});

const assignmentOf = (uid: string, agent: string): Assignment => ({
  uid,
  agent,
  syncVersion: '1',
  sourceVersion: '1',
  destinationVersion: '1',
  assignedAt: '2026-01-01T00:00:00.000Z',
});

describe('cluster', () => {
  let server: EtcdServer;
  let connections: Connections;
  let one: Coordination;
  before(async () => {
    server = await etcd();
    connections = new Connections(server);
    one = connections.open();
  });
  after(async () => {
    await connections.close();
    await server.stop();
  });
  const join = (name: string, labels = {}) => connections.open().join(agentOf(name, labels), ttl);

  test('desired state: written on change only, found by uid and name, guarded by version, purged whole', async () => {
    const { desired } = one;
    await desired.putSync(desiredSync('u1', 'orders'));
    const first = await desired.getSync('u1');
    await desired.putSync({ ...desiredSync('u1', 'orders') });
    assert.deepEqual(await desired.findSync('default', 'orders'), first);
    await assert.rejects(
      desired.putSync({ ...desiredSync('u1', 'orders'), generation: 2 }, '1'),
      hasCode('Conflict'),
    );
    await assert.rejects(desired.putSync(desiredSync('u2'), first?.version), hasCode('Conflict'));
    await desired.putSync({ ...desiredSync('u1', 'orders'), generation: 2 }, first?.version);
    await desired.putSync({ ...desiredSync('u1', 'orders'), deletedAt: '2026-01-02T00:00:00.000Z' });
    // Recreated under its name while the old one is still being deleted.
    await desired.putSync(desiredSync('u3', 'orders'), '');
    await one.requests.post('u1', { type: 'run-now', id: '1' });
    await desired.purgeSync('u1', 'operator');
    assert.equal(await desired.getSync('u1'), undefined);
    assert.deepEqual(await one.requests.pending('u1'), []);
    assert.equal((await desired.findSync('default', 'orders'))?.uid, 'u3');
    await desired.purgeSync('u3', 'operator');
    assert.equal(await desired.findSync('default', 'orders'), undefined);
    const source = { uid: 'd', namespace: 'default', name: 'shop', generation: 1, createdAt: 't', spec: {} };
    await desired.putDataSource(source);
    assert.deepEqual(
      (await desired.read()).dataSources.map(({ name }) => name),
      ['shop'],
    );
    assert.equal((await desired.getDataSource('default', 'shop'))?.uid, 'd');
    await desired.deleteDataSource('default', 'shop');
    assert.deepEqual(await desired.read(), { syncs: [], dataSources: [] });
  });

  test('more than a page is read at one revision', async () => {
    const uids = Array.from({ length: 2_345 }, (_, index) => `page-${index}`);
    for (let start = 0; start < uids.length; start += 100) {
      await Promise.all(uids.slice(start, start + 100).map((uid) => one.desired.putSync(desiredSync(uid))));
    }
    const read = await one.desired.read();
    assert.deepEqual(read.syncs.map(({ uid }) => uid).sort(), uids.sort());
    for (let start = 0; start < uids.length; start += 100) {
      await Promise.all(uids.slice(start, start + 100).map((uid) => one.desired.purgeSync(uid, 'operator')));
    }
  });

  test('of 20 candidates at once one is leader, and the next when it resigns or leaves', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, (_, index) => join(`candidate-${index}`)));
    const leaders: { session: AgentSession; term: string }[] = [];
    const stop = new AbortController();
    const ends = sessions.map(async (session) => {
      const leadership = await session.campaign(stop.signal);
      leaders.push({ session, term: leadership.term });
      return leadership;
    });
    for (const [index, end] of ends.entries())
      end.catch(() => assert.ok(stop.signal.aborted, `candidate ${index}`));
    const leaderNow = async (count: number) => {
      await until(() => leaders.length >= count, { what: `leader ${count}` });
      const [stored, last] = [await one.cluster.leader(), leaders.at(-1)];
      assert.deepEqual(stored, { agent: last?.session.agent.name, term: last?.term });
      assert.equal(leaders.length, count);
      const found = ends[sessions.indexOf(last?.session as AgentSession)];
      assert.ok(found);
      return { leadership: await found, session: last?.session as AgentSession };
    };
    const first = await leaderNow(1);
    await first.leadership.resign();
    assert.ok(first.leadership.signal.aborted);
    await assert.rejects(first.leadership.write([{ kind: 'remove', uid: 'x', from: 'y' }]), isFenced);
    const second = await leaderNow(2);
    await second.session.leave();
    assert.ok(second.leadership.signal.reason instanceof Stopped);
    const third = await leaderNow(3);
    assert.ok(BigInt(third.leadership.term) > BigInt(second.leadership.term));
    stop.abort(new Stopped('shutdown'));
    await Promise.allSettled(ends);
    await Promise.all(sessions.map((session) => session.leave()));
    assert.equal(await one.cluster.leader(), undefined);
  });

  test('the leader sees the cluster and assigns; an agent sees its own', async () => {
    const [a, b] = [await join('a'), await join('b')];
    const leadership = await a.campaign(never);
    const watching = leadership.watchCluster(() => {}, unexpected);
    await watching.isSynced;
    const { view } = watching;
    await one.desired.putSync(desiredSync('s1'));
    await one.requests.post('s1', { type: 'run-now', id: '1' });
    b.setLoads({ s1: 3 }, ['s1']);
    await until(
      () =>
        view.agents.get('b')?.loads.s1 === 3 &&
        view.agents.get('b')?.midPass?.[0] === 's1' &&
        view.syncs.has('s1') &&
        view.withRequests.has('s1'),
      {
        what: 'the view',
      },
    );
    let seen: ReadonlyMap<string, Assignment> = new Map();
    const own = b.watchAssignments((assignments) => {
      seen = assignments;
    }, unexpected);
    await leadership.write(
      Array.from(
        { length: 500 },
        (_, index) => ({ kind: 'assign', assignment: assignmentOf(`s${index}`, 'a') }) as const,
      ),
    );
    await until(() => view.assignments.size === 500, { what: 'the assignments' });
    await leadership.write([{ kind: 'assign', assignment: assignmentOf('s1', 'b'), from: 'a' }]);
    await until(() => seen.has('s1') && view.assignments.get('s1')?.agent === 'b', { what: 'the move' });
    assert.equal((await one.cluster.assignments()).length, 500);
    await leadership.write(
      [...view.assignments.values()].map(({ uid, agent }) => ({ kind: 'remove', uid, from: agent }) as const),
    );
    await until(() => seen.size === 0 && view.assignments.size === 0, { what: 'the removals' });
    await one.desired.purgeSync('s1', 'operator');
    await until(() => !view.syncs.has('s1') && !view.withRequests.has('s1'), { what: 'the purge' });
    await b.leave();
    await until(() => !view.agents.has('b'), { what: 'the leave' });
    await Promise.all([watching.close(), own.close()]);
    await a.leave();
    await assert.rejects(leadership.write([{ kind: 'remove', uid: 's1', from: 'a' }]), isFenced);
  });

  test('slots are bounded over all agents, fair, visible, and freed with their holder', async () => {
    const [a, b] = [await join('a'), await join('b')];
    const [shop, warehouse] = [dataSourceOf('shop', 1), dataSourceOf('warehouse', 2)];
    await one.desired.putDataSource({ ...shop, createdAt: 't', spec: { maxConcurrentSyncs: 1 } });
    const order: string[] = [];
    const waits = new Map<string, SlotWait>();
    const take = async (session: AgentSession, uid: string, signal = never) => {
      const sync = syncOf(uid, { name: uid });
      await session.store.acquire(sync);
      const slots = await session.store.acquireSlots(sync, [warehouse, shop], signal, (wait) =>
        waits.set(uid, wait),
      );
      order.push(uid);
      return slots;
    };
    const queue = async () =>
      (await one.cluster.locks())
        .filter(({ dataSource }) => dataSource === 'default/shop')
        .map(({ uid, isWaiting }) => `${uid} ${isWaiting}`);
    const untilQueued = (count: number) =>
      until(async () => (await queue()).length === count, { what: `${count} in the queue` });
    const first = await take(a, 'p1');
    const stop = new AbortController();
    const second = take(b, 'p2', stop.signal);
    await untilQueued(2);
    const third = take(a, 'p3');
    await untilQueued(3);
    const fourth = take(b, 'p4');
    await untilQueued(4);
    await until(() => first.hasWaiters(), { what: 'the holder to know of waiters' });
    assert.deepEqual(await queue(), ['p1 false', 'p2 true', 'p3 true', 'p4 true']);
    assert.deepEqual(waits.get('p2'), { dataSource: 'default/shop', limit: 1, holders: ['default/p1'] });
    stop.abort(new Stopped('shutdown'));
    await assert.rejects(second, Stopped);
    await untilQueued(3);
    await first.release();
    const held = await third;
    assert.deepEqual(order, ['p1', 'p3']);
    assert.deepEqual(await queue(), ['p3 false', 'p4 true']);
    await until(() => waits.get('p4')?.holders[0] === 'default/p3', { what: 'the news of who holds it' });
    await a.leave();
    const last = await fourth;
    assert.deepEqual(order, ['p1', 'p3', 'p4']);
    assert.equal(last.hasWaiters(), false);
    await held.release();
    await last.release();
    assert.deepEqual(await queue(), []);
    await b.leave();
    await one.desired.deleteDataSource('default', 'shop');
  });

  test('a slot is given to the holder of the lock of the sync, and to nobody else', async () => {
    const a = await join('a');
    const lock = await a.store.acquire(syncOf('p9'));
    await one.desired.purgeSync('p9', 'agent');
    await assert.rejects(a.store.acquireSlots(syncOf('p9'), [dataSourceOf('shop', 1)], never), isFenced);
    assert.equal(lock?.signal.aborted, true);
    await a.leave();
  });

  test('a probe is answered by one agent that fits, and by another one if it dies', async () => {
    const [a, b] = [await join('a', { zone: 'x' }), await join('b', { zone: 'y' })];
    const answered: string[] = [];
    const answerBy = (session: AgentSession, answer: (kind: string) => Promise<unknown>) =>
      one.probes.answer(
        session,
        session.agent.labels,
        async (probe) => {
          answered.push(`${session.agent.name} ${String(probe.subject)}`);
          return await answer(probe.kind);
        },
        unexpected,
      );
    const hang = Promise.withResolvers<void>();
    answerBy(a, async (kind) => {
      if (kind === 'discover') await hang.promise;
      if (kind === 'plan')
        throw new IdraError({
          code: 'ServerError',
          disposition: 'permanent',
          message: 'odd',
          fix: 'fix it',
        });
      return { tables: 1 };
    });
    const some = { kind: 'check', subject: 'default/shop', selector: {} } as const;
    const { agent, result } = await one.probes.ask({ ...some, selector: { zone: 'x' } }, 10_000);
    assert.deepEqual([agent, result], ['a', { tables: 1 }]);
    const failed = await one.probes.ask({ ...some, kind: 'plan' }, 10_000);
    assert.deepEqual(failed.error, { code: 'ServerError', message: 'odd; fix it' });
    await assert.rejects(
      one.probes.ask({ ...some, selector: { zone: 'z' } }, 200),
      (error) => hasCode('NoAgentAnswered')(error) && String(error).includes('zone=z'),
    );
    const taken = one.probes.ask({ ...some, kind: 'discover', subject: 'slow' }, 15_000);
    await until(() => answered.includes('a slow'), { what: 'the claim' });
    answerBy(b, async () => 'from b');
    await a.leave();
    assert.equal((await taken).result, 'from b');
    hang.resolve();
    await b.leave();
    assert.equal(answered.filter((each) => each.endsWith('shop')).length, 2);
  });

  test('the epoch only rises', async () => {
    const { epoch } = one;
    assert.equal(await epoch.read(), 0);
    assert.deepEqual([await epoch.raise(0), await epoch.raise(7), await epoch.raise(3)], [1, 7, 8]);
    await assert.rejects(epoch.raise(40_000), hasCode('EpochTooHigh'));
    assert.equal(await epoch.read(), 8);
  });

  test('a watch delivers existing reports and their changes', async () => {
    const seen: string[] = [];
    const report = (message: string) => ({
      namespace: 'default',
      name: 'shop',
      generation: 1,
      isReachable: true,
      message,
      checkedAt: 't',
      agent: 'a',
    });
    await one.reports.putDataSource(report('one'));
    const watching = one.reports.watchDataSources(({ message }) => seen.push(message), unexpected);
    await watching.isSynced;
    await one.reports.putDataSource(report('two'));
    await one.reports.putDataSource(report('two'));
    await until(() => seen.length === 2, { what: 'both reports' });
    assert.deepEqual(seen, ['one', 'two']);
    assert.deepEqual(
      (await one.reports.readDataSources()).map(({ message }) => message),
      ['two'],
    );
    await watching.close();
  });
});
