import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { AgentHold, AgentSession, Assignment, Coordination } from '../../coordination/contract.ts';
import { agentOf, Connections } from '../../coordination/test-etcd.ts';
import { systemClock } from '../../core/clock.ts';
import { Stopped } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import { shortDataSource, shortManifests, shortSync } from '../balance/test-manifests.ts';
import { keepAssignments } from './keep-assignments.ts';
import type { MovePlanner } from './planned-moves.ts';

const ttl = { leaseTtlMs: 2_000 };
/** Agents are filled up at once. */
const graces = { returnMs: 0, unsteadyMs: 0, memoryMs: 600_000 };
const zones = { zone: 'x' };

describe('leader', () => {
  let server: EtcdServer;
  let one: Coordination;
  let connections: Connections;
  let running: AbortController;
  let leaders: Promise<void>[];
  let planner: MovePlanner | undefined;

  before(async () => {
    server = await etcd();
  });
  after(() => server.stop());
  beforeEach(async () => {
    const prefix = `${server.prefix}${randomUUID()}/`;
    connections = new Connections({ endpoints: server.endpoints, prefix });
    one = connections.open();
    leaders = [];
    running = new AbortController();
    for (const name of ['shop', 'warehouse']) await one.desired.putDataSource(shortDataSource(name));
  });

  /** Joins and stands for election, as every agent does. */
  const start = async (name: string, labels = {}): Promise<AgentSession> => {
    const session = await connections.open().join(agentOf(name, labels), ttl);
    const ends = AbortSignal.any([running.signal, session.signal]);
    const lead = async () => {
      while (!ends.aborted) {
        const leadership = await session.campaign(ends);
        await keepAssignments(
          leadership,
          {
            clock: systemClock,
            log: silentLog,
            manifests: shortManifests,
            graces,
            onPlanner: (now) => {
              planner = now ?? planner;
            },
          },
          ends,
        );
        await leadership.resign();
      }
    };
    leaders.push(
      lead().catch((error: unknown) => {
        if (!ends.aborted) throw error;
      }),
    );
    return session;
  };
  const stop = async (...sessions: AgentSession[]) => {
    running.abort(new Stopped('shutdown'));
    await Promise.all(leaders);
    await Promise.all(sessions.map((session) => session.leave()));
    await connections.close();
  };
  const add = (count: number, prefix = 's') =>
    Promise.all(
      Array.from({ length: count }, (_, index) => one.desired.putSync(shortSync(`${prefix}${index}`))),
    );
  const owners = async () => new Map((await one.cluster.assignments()).map((each) => [each.uid, each]));
  const counts = async () => {
    const counted: Record<string, number> = {};
    for (const { agent } of (await owners()).values()) counted[agent] = (counted[agent] ?? 0) + 1;
    return Object.entries(counted)
      .sort()
      .map(([agent, count]) => `${agent} ${count}`)
      .join(', ');
  };
  const settled = (wanted: string) =>
    until(async () => (await counts()) === wanted, { what: `the assignments ${wanted}` });
  const movedSince = async (earlier: ReadonlyMap<string, Assignment>) =>
    [...(await owners())].filter(([uid, { agent }]) => earlier.get(uid)?.agent !== agent).length;

  test('join, leave and drain move the fewest Syncs', async () => {
    await add(12);
    const a = await start('a');
    await settled('a 12');
    const b = await start('b');
    await settled('a 6, b 6');
    const two = await owners();
    const c = await start('c');
    await settled('a 4, b 4, c 4');
    assert.equal(await movedSince(two), 4);
    const three = await owners();
    await c.setDraining();
    await settled('a 6, b 6');
    assert.equal(await movedSince(three), 4);
    const without = await owners();
    await c.leave();
    await b.leave();
    await settled('a 12');
    assert.equal(await movedSince(without), 6);
    await stop(a);
  });

  test('Syncs that are added, removed, suspended, changed or cannot run', async () => {
    const [a, b] = [await start('a', zones), await start('b')];
    await add(4);
    await settled('a 2, b 2');
    const earlier = await owners();
    await one.desired.purgeSync('s0', 'operator');
    await one.desired.putSync(shortSync('s1', { suspend: true }));
    await until(async () => !(await owners()).has('s0') && !(await owners()).has('s1'), {
      what: 'both to be gone',
    });
    await one.requests.post('s1', { type: 'run-now', id: '1' });
    await until(async () => (await owners()).has('s1'), { what: 'the request to bring it back' });
    const before = await owners();
    await one.desired.putSync({ ...shortSync('s2', { weight: 1 }), generation: 2 });
    await one.desired.putDataSource({ ...shortDataSource('shop'), generation: 2 });
    const shop = await one.desired.getDataSource('default', 'shop');
    const changed = await one.desired.getSync('s2');
    await until(
      async () =>
        (await owners()).get('s2')?.syncVersion === changed?.version &&
        [...(await owners()).values()].every(({ sourceVersion }) => sourceVersion === shop?.version),
      { what: 'the new versions' },
    );
    assert.equal(await movedSince(before), 0);
    assert.equal((await owners()).get('s2')?.assignedAt, earlier.get('s2')?.assignedAt);
    await one.desired.putSync(shortSync('s3', { zone: 'y' }));
    await one.desired.putSync(shortSync('lost', { source: { dataSource: 'nowhere' } }));
    const unassigned = async () =>
      [...(await one.reports.readUnassigned())].map(([uid, { reason }]) => `${uid} ${reason}`);
    await until(async () => (await unassigned()).length === 2, { what: 'both to be reported' });
    assert.deepEqual(await unassigned(), ['lost DataSourceNotFound', 's3 NoEligibleAgent']);
    await until(async () => !(await owners()).has('s3'), { what: 's3 to be taken away' });
    await one.desired.putSync(shortSync('s3', { zone: 'x' }));
    await until(async () => (await owners()).get('s3')?.agent === 'a', { what: 's3 where its label is' });
    await until(async () => (await unassigned()).length === 1, { what: 's3 to be removed from the report' });
    await stop(a, b);
  });

  const hold = (agent: string, mode: AgentHold['mode'], passWaitMs = 0) =>
    one.scheduling.hold({ agent, mode, by: 'ana', at: new Date().toISOString(), passWaitMs });

  test('a cordoned agent keeps its Syncs and gets no other, also under the next leader; uncordon fills it up', async () => {
    await add(4);
    const sessions = [await start('a'), await start('b')];
    await settled('a 2, b 2');
    // The planner hears of the assignments a moment later.
    const moveCount = (action: 'cordon' | 'uncordon') => planner?.preview({ action, agent: 'a' }).moveCount;
    await until(() => moveCount('cordon') === 0, { what: 'the preview of a cordon to have no moves' });
    await hold('a', 'Cordoned');
    await add(4, 't');
    await settled('a 2, b 6');
    const leading = sessions.find(({ agent }) => agent.name === 'b');
    await leading?.leave();
    // Those of b can run nowhere else.
    await until(async () => (await one.reports.readUnassigned()).size === 6, { what: 'six to wait' });
    const [reason] = (await one.reports.readUnassigned()).values();
    assert.match(reason?.message ?? '', /cordoned or drained: a/);
    const c = await start('c');
    await settled('a 2, c 6');
    await until(() => moveCount('uncordon') === 2, { what: 'the preview of an uncordon to have two moves' });
    assert.equal(await one.scheduling.release('a'), true);
    await settled('a 4, c 4');
    await stop(...sessions.filter((each) => each !== leading), c);
  });

  test('a drain moves Syncs away, one in a long pass when that ends or the time is over, as the preview said', async () => {
    await add(4);
    const [a, b] = [await start('a'), await start('b')];
    await settled('a 2, b 2');
    const [busy, other] = [...(await owners()).values()].filter(({ agent }) => agent === 'a');
    assert.ok(busy && other);
    a.setLoads({}, [busy.uid]);
    await until(
      () => planner?.preview({ action: 'drain', agent: 'a' }).moves.some((each) => each.isMidPass),
      {
        what: 'the pass to be known',
      },
    );
    const planned = planner?.preview({ action: 'drain', agent: 'a' });
    assert.deepEqual(
      planned?.moves.map(({ uid, from, to, isMidPass }) => [uid, from, to, isMidPass]).sort(),
      [
        [busy.uid, 'a', 'b', true],
        [other.uid, 'a', 'b', false],
      ].sort(),
    );
    await hold('a', 'Draining', 600_000);
    await settled('a 1, b 3');
    assert.equal((await owners()).get(busy.uid)?.agent, 'a');
    a.setLoads({}, []);
    await settled('b 4');
    await one.scheduling.release('a');
    await settled('a 2, b 2');
    const [next] = [...(await owners()).values()].filter(({ agent }) => agent === 'b');
    b.setLoads({}, [next?.uid ?? '']);
    await hold('b', 'Draining', 1_000);
    await settled('a 4');
    assert.throws(() => planner?.preview({ action: 'drain', agent: 'nobody' }), /no agent has the name/);
    await until(() => planner?.preview({ action: 'drain', agent: 'a' }).withoutAgentCount === 4, {
      what: 'the preview to know of no agent for the four',
    });
    await stop(a, b);
  });

  test('a rebalance evens what a balance leaves as it is', async () => {
    for (const [uid, weight] of Object.entries({ s0: 3, s1: 1, s2: 1 }))
      await one.desired.putSync(shortSync(uid, { weight }));
    const a = await start('a');
    await settled('a 3');
    await one.desired.putSync(shortSync('s3', { weight: 2, zone: 'y' }));
    const b = await start('b', { zone: 'y' });
    await until(async () => (await owners()).get('s3')?.agent === 'b', { what: 's3 to run' });
    const before = await counts();
    const planned = planner?.preview({ action: 'rebalance' });
    assert.equal(await counts(), before, 'a preview moves nothing');
    const moved = await planner?.rebalance(running.signal);
    assert.deepEqual(moved, planned);
    const weights: Readonly<Record<string, number>> = { s0: 3, s1: 1, s2: 1, s3: 2 };
    const loads = { a: 0, b: 0 };
    for (const [uid, { agent }] of await owners()) loads[agent as 'a' | 'b'] += weights[uid] ?? 0;
    assert.ok(Math.abs(loads.a - loads.b) <= 1, JSON.stringify(loads));
    await stop(a, b);
  });

  test('when the leader leaves, the next one moves only the Syncs of the former leader', async () => {
    const sessions = [await start('a'), await start('b'), await start('c')];
    await add(9);
    await settled('a 3, b 3, c 3');
    const earlier = await owners();
    const first = await one.cluster.leader();
    const leading = sessions.find(({ agent }) => agent.name === first?.agent);
    assert.ok(first && leading);
    await leading.leave();
    const others = sessions.filter((session) => session !== leading);
    await until(
      async () =>
        (await owners()).size === 9 &&
        [...(await owners()).values()].every(({ agent }) => agent !== first.agent),
      { what: 'its syncs to be elsewhere' },
    );
    assert.equal(await movedSince(earlier), 3);
    const next = await one.cluster.leader();
    assert.ok(next && next.agent !== first.agent && BigInt(next.term) > BigInt(first.term));
    await stop(...others);
  });

  test('three agents that start at the same moment: one leader, every Sync assigned', async () => {
    await add(6);
    const sessions = await Promise.all(['a', 'b', 'c'].map((name) => start(name)));
    await settled('a 2, b 2, c 2');
    assert.ok(await one.cluster.leader());
    await stop(...sessions);
  });
});
