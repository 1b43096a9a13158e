import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import { coordinateOver } from '../connect.ts';
import type { Coordination } from '../contract.ts';
import { EtcdClient } from '../etcd/client.ts';
import type { EtcdTransport } from '../etcd/transport.ts';
import { Keys } from '../keys.ts';
import { agentOf } from '../test-etcd.ts';
import { dataSourceOf, statusOf, syncOf } from '../test-objects.ts';
import { grantsOf, isGranted, kindOfKey, type Need, needsOf, type RoleName } from './roles.ts';

const never = new AbortController().signal;
const ignore = () => {};
const time = '2026-01-01T00:00:00.000Z';

/**
 * Many releases of etcd do not check nested transactions, which agents use for writes. Here each operation is checked against the table.
 */
describe('each role may do what it requests of etcd', () => {
  let server: EtcdServer;
  const beyond: string[] = [];
  const open: EtcdTransport[] = [];
  before(async () => {
    server = await etcd({ members: 1 });
  });
  after(async () => {
    for (const each of open) each.close();
    await server?.stop();
  });

  const as = (role: RoleName): Coordination => {
    const client = new EtcdClient({ endpoints: server.endpoints, prefix: server.prefix });
    const keys = new Keys(server.prefix);
    const grants = grantsOf(role, keys);
    const judge = (needs: readonly Need[]) => {
      for (const need of needs)
        if (!isGranted(need, grants))
          beyond.push(`${role}: ${need.access} ${kindOfKey(need.range.key, keys)}`);
    };
    const transport: EtcdTransport = {
      txn(request, options) {
        judge(needsOf(request));
        return client.txn(request, options);
      },
      range(request, options) {
        judge([{ range: request, access: 'read' }]);
        return client.range(request, options);
      },
      watch(request, sink) {
        judge([{ range: request, access: 'read' }]);
        return client.watch(request, sink);
      },
      grant: (ttl, options) => client.grant(ttl, options),
      keepAlive: (lease, options) => client.keepAlive(lease, options),
      revoke: (lease, options) => client.revoke(lease, options),
      close: () => client.close(),
    };
    open.push(transport);
    return coordinateOver(transport, server.prefix, systemClock);
  };
  const record = (uid: string) => ({
    uid,
    namespace: 'default',
    name: uid,
    generation: 1,
    createdAt: time,
    spec: {},
  });

  test('in the life of a Sync, from its creation to its deletion', async () => {
    const [agent, operator, api] = [as('idra-agent'), as('idra-operator'), as('idra-api')];
    await operator.ping();
    for (const role of [operator, api]) await role.checkWrites();
    await operator.desired.putDataSource({ ...dataSourceOf('shop', 1), createdAt: time, spec: {} });
    await operator.desired.putSync(record('s'));
    await api.desired.createSync(record('of-people'));
    await operator.requests.post('s', { type: 'run-now', id: '1' });

    const session = await agent.join(agentOf('a'), { leaseTtlMs: 10_000 });
    const leadership = await session.campaign(never);
    const cluster = leadership.watchCluster(ignore, ignore);
    const own = session.watchAssignments(ignore, ignore);
    await Promise.all([cluster.isSynced, own.isSynced]);
    const assignment = {
      uid: 's',
      agent: 'a',
      syncVersion: '1',
      sourceVersion: '1',
      destinationVersion: '1',
      assignedAt: time,
    };
    await leadership.write([{ kind: 'assign', assignment }]);
    await leadership.reportUnassigned([{ uid: 'of-people', reason: 'NoAgent', message: '' } as never]);
    session.setLoads({ s: 1 }, ['s']);
    const survived = await agent.trials.begin({
      dataSource: 'default/shop',
      identity: 'i',
      agent: 'a',
      instance: session.agent.instance,
    });
    await survived();
    const lock = await session.store.acquire(syncOf('s'));
    assert.ok(lock);
    assert.equal(await session.store.acquire(syncOf('s')), undefined);
    const slots = await session.store.acquireSlots(syncOf('s'), [dataSourceOf('shop', 1)], never);
    session.store.setRateDemand('default/shop', { syncs: 1, isSatisfied: false } as never);
    await lock.writeProgress(await lock.readProgress());
    await lock.offsets.write('{}');
    await lock.offsets.read();
    lock.report(statusOf('s', 'Running', 1));
    await lock.appendHistory({ time } as never);
    await until(async () => (await lock.pendingRequests()).length === 1, { what: 'the request' });
    await lock.finishRequest({ type: 'run-now', id: '1', state: 'Done', message: '', time });
    await agent.reports.putDataSource({
      namespace: 'default',
      name: 'shop',
      generation: 1,
      isReachable: true,
      message: '',
      checkedAt: time,
      agent: 'a',
    });
    await agent.reports.readDataSources();
    const answering = agent.probes.answer(session, {}, async () => 'fine', ignore);
    for (const asker of [agent, api])
      assert.equal(
        (await asker.probes.ask({ kind: 'check', subject: 'default/shop', selector: {} }, 30_000)).result,
        'fine',
      );

    const watching = [
      operator.reports.watchStatuses(ignore, ignore),
      operator.reports.watchUnassigned(ignore, ignore),
      operator.reports.watchDataSources(ignore, ignore),
    ];
    await Promise.all(watching.map(({ isSynced }) => isSynced));
    assert.equal(await operator.requests.post('s', { type: 'run-now', id: '1' }), false);
    await operator.cluster.agents();
    await api.requests.history('s');
    await api.reports.readStatuses();
    await api.reports.readUnassigned();
    await Promise.all([
      api.cluster.agents(),
      api.cluster.leader(),
      api.cluster.locks(),
      api.cluster.assignments(),
    ]);
    await api.epoch.raise(1);
    await api.scheduling.hold({ agent: 'a', mode: 'Draining', by: 'ana', at: time, passWaitMs: 0 });
    assert.equal((await api.scheduling.holds()).length, 1);
    assert.equal(await api.scheduling.release('a'), true);

    await slots.release();
    await lock.release();
    await agent.desired.purgeUnclaimed('s', 'agent');
    await agent.desired.purgeSync('s', 'agent');
    await operator.desired.purgeFinished();
    await operator.desired.purgeUnclaimed('of-people', 'operator');
    await operator.desired.purgeSync('s', 'operator');
    await api.desired.purgeFinished();
    await agent.desired.purgeRemoved('s');
    await operator.desired.deleteDataSource('default', 'shop');
    await session.setDraining();
    await leadership.resign();
    await Promise.all([...watching, cluster, own, answering].map((each) => each.close()));
    await session.leave();
    assert.deepEqual([...new Set(beyond)], []);
  });
});
