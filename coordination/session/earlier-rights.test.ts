import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { coordinateOver } from '../connect.ts';
import type { Coordination } from '../contract.ts';
import { EtcdClient } from '../etcd/client.ts';
import type { EtcdTransport } from '../etcd/transport.ts';
import { Keys } from '../keys.ts';
import { agentOf } from '../test-etcd.ts';

/** The rights of a version that did not have the holds of agents: etcd refuses what touches them. */
describe('an etcd whose rights are those of an earlier version', () => {
  let server: EtcdServer;
  let client: EtcdClient;
  let etcdOfBefore: Coordination;
  let denied = 0;
  before(async () => {
    server = await etcd({ members: 1 });
    client = new EtcdClient({ endpoints: server.endpoints, prefix: server.prefix });
    const { holds } = new Keys(server.prefix);
    const transport = new Proxy(client, {
      get(target, name) {
        if (name === 'range')
          return async (...args: Parameters<EtcdTransport['range']>) => {
            if (!args[0].key.startsWith(holds)) return await target.range(...args);
            denied += 1;
            throw permanent('EtcdPermissionDenied', 'no right to read holds');
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    etcdOfBefore = coordinateOver(transport, server.prefix, systemClock);
  });
  after(async () => {
    client?.close();
    await server?.stop();
  });

  test('the leader assigns and the API shows all the same, as if no agent were held', async () => {
    const session = await etcdOfBefore.join(agentOf('a'), { leaseTtlMs: 10_000 });
    const leadership = await session.campaign(new AbortController().signal);
    const watching = leadership.watchCluster(
      () => {},
      () => {},
    );
    await watching.isSynced;
    assert.ok(watching.view.agents.has('a'));
    assert.equal(watching.view.holds.size, 0);
    const none = () => {};
    const observation = etcdOfBefore.observe(
      {
        onSync: none,
        onStatus: none,
        onUnassigned: none,
        onAssignment: none,
        onDataSource: none,
        onReport: none,
        onAgents: none,
        onLocks: none,
      },
      none,
    );
    await observation.isSynced;
    assert.deepEqual(await etcdOfBefore.scheduling.holds(), []);
    assert.ok(denied >= 3);
    await Promise.all([observation.close(), watching.close()]);
    await session.leave();
  });
});
