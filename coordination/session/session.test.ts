import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { IdraError, Stopped } from '../../core/errors.ts';
import type { RequestStatus } from '../../core/status.ts';
import type { SyncLock } from '../../core/sync-store.ts';
import { tokenRevision } from '../../core/token.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { AgentSession, Coordination } from '../contract.ts';
import { agentOf, Connections } from '../test-etcd.ts';
import { statusOf, syncOf } from '../test-objects.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof IdraError && error.code === code;
const isFenced = (error: unknown) => error instanceof IdraError && error.disposition === 'fenced';
const ttl = { leaseTtlMs: 10_000 };

describe('session of an agent', () => {
  let server: EtcdServer;
  let connections: Connections;
  let one: Coordination;
  let two: Coordination;
  before(async () => {
    server = await etcd();
    connections = new Connections(server);
    [one, two] = [connections.open(), connections.open()];
  });
  after(async () => {
    await connections.close();
    await server.stop();
  });
  const acquire = async (session: AgentSession, uid: string): Promise<SyncLock> => {
    const lock = await session.store.acquire(syncOf(uid));
    assert.ok(lock, 'the lock is free');
    return lock;
  };

  test('a name belongs to one live agent', async () => {
    const first = await one.join(agentOf('named'), ttl);
    await assert.rejects(two.join(agentOf('named'), ttl), hasCode('AgentNameTaken'));
    assert.deepEqual(
      (await two.cluster.agents()).map(({ name, isDraining }) => [name, isDraining]),
      [['named', false]],
    );
    await first.setDraining();
    assert.equal((await two.cluster.agents())[0]?.isDraining, true);
    await first.leave();
    assert.ok(first.signal.reason instanceof Stopped);
    const second = await two.join(agentOf('named'), ttl);
    await second.leave();
    assert.deepEqual(await one.cluster.agents(), []);
  });

  test('a lock has one holder, and the next token is greater', async () => {
    const [a, b] = [await one.join(agentOf('a'), ttl), await two.join(agentOf('b'), ttl)];
    const first = await acquire(a, 'lock');
    assert.equal(await b.store.acquire(syncOf('lock')), undefined);
    assert.equal(await a.store.acquire(syncOf('lock')), undefined);
    assert.deepEqual(
      (await two.cluster.locks()).map(({ kind, uid, agent, token }) => [kind, uid, agent, token]),
      [['sync', 'lock', 'a', `0.${first.token}`]],
    );
    await first.release();
    assert.equal(first.signal.aborted, false);
    await assert.rejects(first.offsets.write('x'), isFenced);
    const second = await acquire(b, 'lock');
    assert.ok(second.token > first.token);
    await one.epoch.raise(3);
    await second.release();
    const third = await acquire(a, 'lock');
    assert.ok(third.token > second.token);
    assert.equal(BigInt(third.token) >> 48n === 3n && tokenRevision(third.token as bigint) > 0n, true);
    await a.leave();
    assert.ok(third.signal.aborted);
    await acquire(b, 'lock');
    await b.leave();
  });

  test('offsets, progress, status and history pass from one holder to the next', async () => {
    const [a, b] = [await one.join(agentOf('a'), ttl), await two.join(agentOf('b'), ttl)];
    const first = await acquire(a, 'data');
    assert.equal(await first.offsets.read(), null);
    const writes = Array.from({ length: 50 }, (_, index) => first.offsets.write(`{"at":${index}}`));
    await Promise.all(writes);
    assert.equal(await first.offsets.read(), '{"at":49}');
    await first.writeProgress({ hasCaughtUp: true, isCompleted: false, fingerprint: 'm' });
    await first.appendHistory({ time: 't', by: 'me', action: 'set', from: null, to: 'x' });
    first.report(statusOf('data', 'Running', 1));
    await until(async () => (await two.reports.readStatus('data'))?.rows.written === 1, {
      what: 'the status',
    });
    first.report(statusOf('data', 'Running', 2));
    await first.release();
    assert.equal((await two.reports.readStatuses()).get('data')?.rows.written, 2);
    const second = await acquire(b, 'data');
    assert.equal(await second.offsets.read(), '{"at":49}');
    assert.equal((await second.readProgress()).fingerprint, 'm');
    assert.deepEqual(
      (await second.readHistory()).map(({ to }) => to),
      ['x'],
    );
    await second.offsets.write(null);
    assert.equal(await second.offsets.read(), null);
    await a.leave();
    await b.leave();
  });

  test('an acknowledged write is stored, whichever pending write it was combined with', async () => {
    const a = await one.join(agentOf('a'), ttl);
    const lock = await acquire(a, 'carried');
    const read = () => lock.offsets.read();
    for (let index = 0; index < 20; index++) {
      const offset = lock.offsets.write(`${index}`).then(read);
      await lock.writeProgress({ hasCaughtUp: true, isCompleted: false, fingerprint: `${index}` });
      assert.equal(await offset, `${index}`);
    }
    await a.leave();
  });

  test('a request wakes its holder, is executed once, and the next holder does not see it again', async () => {
    const [a, b] = [await one.join(agentOf('a'), ttl), await two.join(agentOf('b'), ttl)];
    const lock = await acquire(a, 'asked');
    assert.deepEqual(await lock.pendingRequests(), []);
    const woken = Promise.withResolvers<void>();
    const unsubscribe = lock.onRequest(() => woken.resolve());
    assert.equal(await two.requests.post('asked', { type: 'run-now', id: 'at 10:00/x' }), true);
    assert.equal(await two.requests.post('asked', { type: 'run-now', id: 'at 10:00/x' }), false);
    await woken.promise;
    unsubscribe();
    assert.deepEqual(await lock.pendingRequests(), [{ type: 'run-now', id: 'at 10:00/x' }]);
    const done: RequestStatus = { type: 'run-now', id: 'at 10:00/x', state: 'Done', message: '', time: 't' };
    await lock.finishRequest(done);
    assert.deepEqual(await lock.pendingRequests(), []);
    assert.deepEqual(await two.requests.answers('asked'), [done]);
    assert.equal(await two.requests.post('asked', { type: 'run-now', id: 'at 10:00/x' }), false);
    await lock.release();
    assert.deepEqual(await (await acquire(b, 'asked')).pendingRequests(), []);
    await a.leave();
    await b.leave();
  });

  test('of many locks in one transaction only the lost one fails', async () => {
    const a = await one.join(agentOf('a'), ttl);
    const locks = await Promise.all(Array.from({ length: 300 }, (_, index) => acquire(a, `many-${index}`)));
    await two.desired.purgeSync('many-7', 'agent');
    const outcomes = await Promise.allSettled(locks.map((lock, index) => lock.offsets.write(`${index}`)));
    const failed = outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
    assert.deepEqual(failed, [7]);
    assert.ok(locks[7]?.signal.reason instanceof Stopped);
    assert.equal(locks[8]?.signal.aborted, false);
    assert.equal(await locks[299]?.offsets.read(), '299');
    await locks[7]?.release();
    await a.leave();
  });

  test('one value that etcd refuses does not block the others', async () => {
    const a = await one.join(agentOf('a'), ttl);
    const [huge, small] = [await acquire(a, 'huge'), await acquire(a, 'small')];
    const outcomes = await Promise.allSettled([
      huge.offsets.write('x'.repeat(2 << 20)),
      small.offsets.write('1'),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    assert.equal(await small.offsets.read(), '1');
    await a.leave();
  });
});
