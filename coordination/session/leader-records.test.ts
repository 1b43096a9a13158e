import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { UnassignedReason } from '../../core/effective-status.ts';
import { IdraError } from '../../core/errors.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { Coordination } from '../contract.ts';
import { agentOf, Connections } from '../test-etcd.ts';
import { syncOf } from '../test-objects.ts';

const ttl = { leaseTtlMs: 10_000 };
const never = new AbortController().signal;
const lost = { reason: 'DataSourceNotFound', message: 'DataSource default/shop does not exist' } as const;
const alone = { reason: 'NoEligibleAgent', message: 'no agent has the label zone=x' } as const;

describe('records of the leader', () => {
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
  const lead = async (name: string) => {
    const session = await connections.open().join(agentOf(name), ttl);
    return { session, leadership: await session.campaign(never) };
  };

  test('syncs that nobody can run: reported by the current leader, and by nobody else', async () => {
    const seen = new Map<string, UnassignedReason>();
    const watching = one.reports.watchUnassigned(
      (uid, reason) => (reason ? seen.set(uid, reason) : seen.delete(uid)),
      (error) => assert.fail(error),
    );
    const first = await lead('a');
    await first.leadership.reportUnassigned([
      { uid: 's1', ...lost },
      { uid: 's2', ...alone },
    ]);
    assert.deepEqual(await one.reports.readUnassigned(), new Map(Object.entries({ s1: lost, s2: alone })));
    await first.leadership.reportUnassigned([{ uid: 's2', ...lost }]);
    await until(() => seen.size === 1 && seen.get('s2')?.reason === lost.reason, { what: 'the change' });
    await first.session.leave();
    await until(() => seen.size === 0, { what: 'the notes to go with the leader' });
    const second = await lead('b');
    await second.leadership.reportUnassigned([{ uid: 's3', ...lost }]);
    await second.leadership.resign();
    assert.equal((await one.reports.readUnassigned()).size, 0);
    await assert.rejects(
      second.leadership.reportUnassigned([{ uid: 's4', ...lost }]),
      (error: unknown) => error instanceof IdraError && error.disposition === 'fenced',
    );
    await second.session.leave();
    await watching.close();
  });

  test('what the syncs of an agent would use of a data source is visible to all, and is deleted with the agent', async () => {
    const [one, other] = [
      await connections.open().join(agentOf('c'), ttl),
      await connections.open().join(agentOf('d'), ttl),
    ];
    const seen = () => other.store.rateDemands('default/shop');
    one.store.setRateDemand('default/shop', { syncs: 3 });
    await until(() => seen().others[0]?.syncs === 3, { what: 'the demand' });
    assert.deepEqual([seen().own, other.store.rateDemands('default/other').others], [undefined, []]);
    other.store.setRateDemand('default/shop', { syncs: 1, rowsPerSecond: 10 });
    await until(() => seen().own?.syncs === 1, { what: 'its own' });
    await until(() => one.store.rateDemands('default/shop').others.length === 1, { what: 'the other one' });
    await one.leave();
    await until(() => seen().others.length === 0, { what: 'the part of one that is gone to be free' });
    other.store.setRateDemand('default/shop', undefined);
    await until(() => seen().own === undefined, { what: 'the end of its own' });
    await other.leave();
  });

  test('a waiter for a lock is woken when it is released, and when its holder dies', async () => {
    const [a, b] = [
      await connections.open().join(agentOf('e'), ttl),
      await connections.open().join(agentOf('f'), ttl),
    ];
    const held = await a.store.acquire(syncOf('w1'));
    await a.store.acquire(syncOf('w2'));
    assert.equal(await b.store.acquire(syncOf('w1')), undefined);
    const waits = ['w1', 'w2'].map((uid) => b.untilFree(uid, never));
    const isFree = waits.map(() => false);
    for (const [index, wait] of waits.entries()) {
      void wait.then(() => {
        isFree[index] = true;
      });
    }
    await held?.release();
    await waits[0];
    assert.deepEqual(isFree, [true, false]);
    assert.ok(await b.store.acquire(syncOf('w1')));
    await a.leave();
    await waits[1];
    assert.ok(await b.store.acquire(syncOf('w2')));
    const stop = new AbortController();
    const stopped = a.untilFree('w2', stop.signal);
    stop.abort(new Error('stop'));
    await assert.rejects(stopped);
    await b.leave();
  });
});
