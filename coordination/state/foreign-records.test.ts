import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import type { Coordination } from '../contract.ts';
import { EtcdClient } from '../etcd/client.ts';
import { Keys } from '../keys.ts';
import { agentOf, Connections } from '../test-etcd.ts';

const never = new AbortController().signal;
const values = ['{"cut', 'null', '[]', '{}', '"text"', '{"uid":null}'];
let server: EtcdServer;
let connections: Connections;
let one: Coordination;
let client: EtcdClient;
before(async () => {
  server = await etcd();
  connections = new Connections(server);
  one = connections.open();
  client = new EtcdClient(server);
});
after(async () => {
  await client.close();
  await connections.close();
  await server.stop();
});

const desired = { uid: 'good', namespace: 'default', name: 'good', generation: 1, createdAt: '', spec: {} };
const report = {
  ...desired,
  isReachable: true,
  message: 'well',
  checkedAt: '2026-01-01T00:00:00Z',
  agent: 'a',
};

for (const value of values) {
  test(`a value that Idra has not written (${value}) does not block the others`, async () => {
    const keys = new Keys(server.prefix);
    const bad = [
      keys.sync('bad'),
      keys.dataSource('default', 'bad'),
      keys.agent('bad'),
      keys.load('bad'),
      keys.assignment('bad', 'bad'),
      keys.lock('bad'),
      keys.slot('default', 'good', 'bad'),
      keys.report('default', 'bad'),
      keys.trial('default/good', 'bad'),
    ];
    await client.txn({ compare: [], success: bad.map((key) => ({ kind: 'put', key, value })) });
    await one.desired.putSync(desired);
    await one.desired.putDataSource(desired);
    await one.reports.putDataSource(report);
    const session = await connections.open().join(agentOf('good'), { leaseTtlMs: 10_000 });
    const isGood = ({ name }: { readonly name: string }) => name === 'good';
    try {
      const { syncs, dataSources } = await one.desired.read();
      for (const list of [
        syncs,
        dataSources,
        await one.cluster.agents(),
        await one.reports.readDataSources(),
      ])
        assert.deepEqual([list.filter(isGood).length, list.length], [1, 1]);
      await one.cluster.assignments();
      await one.cluster.locks();
      const trial = { dataSource: 'default/good', identity: 'i', agent: 'good', instance: 'other' };
      await (await one.trials.begin(trial))();
      const errors: string[] = [];
      const watching = (await session.campaign(never)).watchCluster(
        () => {},
        ({ message }) => errors.push(message),
      );
      await watching.isSynced;
      const { view } = watching;
      assert.deepEqual([[...view.syncs.keys()], [...view.agents.keys()]], [['good'], ['good']]);
      assert.ok(errors.every((message) => /etcd's key .*bad is not/.test(message)) && errors.length > 0);
      await watching.close();
    } finally {
      await session.leave();
    }
    // And it is overwritten by a user with the right to the key.
    await one.desired.putSync({ ...desired, uid: 'bad', name: 'bad' });
    assert.equal((await one.desired.getSync('bad'))?.name, 'bad');
    const success = [{ kind: 'delete', key: keys.all.key, end: keys.all.end } as const];
    await client.txn({ compare: [], success });
  });
}
