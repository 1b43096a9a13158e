import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { Coordination, DesiredSync, New } from '../contract.ts';
import { EtcdClient } from '../etcd/client.ts';
import { Keys } from '../keys.ts';
import { agentOf, Connections } from '../test-etcd.ts';
import { statusOf, syncOf } from '../test-objects.ts';

const never = new AbortController().signal;

describe('a deleted Sync is removed by two sides', () => {
  let server: EtcdServer;
  let connections: Connections;
  let client: EtcdClient;
  let one: Coordination;
  let keys: Keys;
  before(async () => {
    server = await etcd({ members: 1 });
    connections = new Connections(server);
    client = new EtcdClient({ endpoints: server.endpoints, prefix: server.prefix });
    one = connections.open();
    keys = new Keys(server.prefix);
  });
  after(async () => {
    client.close();
    await connections.close();
    await server.stop();
  });

  const record = (uid: string, more: Partial<New<DesiredSync>> = {}): New<DesiredSync> => ({
    uid,
    namespace: 'default',
    name: uid,
    generation: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    spec: {},
    ...more,
  });
  const deletedAt = '2026-01-02T00:00:00.000Z';
  /** The kinds of keys that exist for a Sync. */
  const left = async (uid: string) => {
    const { pairs } = await client.range(keys.all);
    const found = pairs.filter(({ key }) => key.includes(`/${uid}`)).map(({ key }) => key);
    return found.map((key) => key.slice(keys.root.length).split('/')[0]).sort();
  };
  const run = async (uid: string) => {
    const session = await one.join(agentOf(`of-${uid}`), { leaseTtlMs: 10_000 });
    const lock = await session.store.acquire(syncOf(uid));
    lock?.report(statusOf(uid, 'Running', 1));
    await lock?.offsets.write('{}');
    await session.leave();
  };

  test('agents first: it is deleted for all, and the operator removes the desired state', async () => {
    await one.desired.putSync(record('first', { deletedAt }));
    await one.requests.post('first', { type: 'run-now', id: '1' });
    await run('first');
    await one.desired.purgeSync('first', 'agent');
    assert.equal(await one.desired.getSync('first'), undefined);
    assert.deepEqual((await one.desired.read()).syncs, []);
    assert.deepEqual(await left('first'), ['removed', 'syncs']);
    await one.desired.purgeRemoved('first');
    assert.deepEqual(
      await left('first'),
      ['removed', 'syncs'],
      'the record stays as long as the Sync exists',
    );
    await one.desired.purgeFinished();
    assert.deepEqual(await left('first'), ['removed']);
    await one.desired.purgeRemoved('first');
    assert.deepEqual(await left('first'), []);
  });

  test('operator first: the leader removes what agents have written', async () => {
    await one.desired.putSync(record('second'));
    await run('second');
    const session = await one.join(agentOf('leader'), { leaseTtlMs: 10_000 });
    const leadership = await session.campaign(never);
    const watching = leadership.watchCluster(
      () => {},
      () => {},
    );
    await watching.isSynced;
    assert.ok(watching.view.syncs.has('second'));
    await one.desired.purgeSync('second', 'operator');
    await until(() => watching.view.removed.has('second'), { what: 'the leader to know' });
    assert.equal(watching.view.syncs.has('second'), false);
    assert.deepEqual(await left('second'), ['offsets', 'removed', 'status']);
    await one.desired.purgeRemoved('second');
    await until(() => !watching.view.removed.has('second'), { what: 'nothing to be left' });
    assert.deepEqual(await left('second'), []);
    await watching.close();
    await session.leave();
  });

  test('a Sync that nobody can read does not block others', async () => {
    await one.desired.putSync(record('well', { deletedAt }));
    await one.desired.purgeSync('well', 'agent');
    const bad = { kind: 'put' as const, key: keys.sync('bad'), value: 'null' };
    const note = { kind: 'put' as const, key: keys.removed('bad'), value: '{"by":"agent"}' };
    await client.txn({ compare: [], success: [bad, note] });
    await one.desired.purgeFinished();
    assert.deepEqual(await left('well'), ['removed']);
    assert.deepEqual(await left('bad'), ['removed', 'syncs']);
    for (const uid of ['well', 'bad']) {
      const keysOf = [keys.sync(uid), keys.removed(uid)].map((key) => ({ kind: 'delete' as const, key }));
      await client.txn({ compare: [], success: keysOf });
    }
  });

  test('a removal record alone ends no Sync that nobody has deleted', async () => {
    await one.desired.putSync(record('third'));
    await client.txn({
      compare: [],
      success: [{ kind: 'put', key: keys.removed('third'), value: '{"by":"agent"}' }],
    });
    assert.equal((await one.desired.getSync('third'))?.uid, 'third');
    await one.desired.purgeFinished();
    await one.desired.purgeRemoved('third');
    assert.equal((await one.desired.findSync('default', 'third'))?.uid, 'third');
    await one.desired.putSync(record('third', { generation: 2 }));
    assert.deepEqual(await left('third'), ['names', 'syncs'], 'whoever writes the Sync removes the note');
  });
});
