import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { noProgress } from '../../core/sync-store.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import type { AgentSession, Coordination } from '../contract.ts';
import { agentOf, Connections } from '../test-etcd.ts';
import { statusOf, syncOf } from '../test-objects.ts';

describe('a Sync that nobody has claimed', () => {
  let server: EtcdServer;
  let connections: Connections;
  let coordination: Coordination;
  let session: AgentSession;
  before(async () => {
    server = await etcd({ members: 1 });
    connections = new Connections(server);
    coordination = connections.open();
    session = await coordination.join(agentOf('agent'), { leaseTtlMs: 10_000 });
  });
  after(async () => {
    await session.leave();
    await connections.close();
    await server.stop();
  });

  const stored = async (uid: string) => {
    const createdAt = '2026-01-01T00:00:00.000Z';
    await coordination.desired.putSync({
      uid,
      namespace: 'default',
      name: uid,
      generation: 1,
      createdAt,
      spec: {},
    });
    return async () => await coordination.desired.purgeUnclaimed(uid, 'operator');
  };
  const locked = async (uid: string) => {
    const lock = await session.store.acquire(syncOf(uid));
    assert.ok(lock);
    return lock;
  };

  test('is purged at once, also when an agent has held it without a claim', async () => {
    const purge = await stored('never');
    assert.equal(await purge(), true);
    assert.equal(await coordination.desired.getSync('never'), undefined);
    assert.equal(await coordination.desired.findSync('default', 'never'), undefined);

    const purgeHeld = await stored('held');
    const lock = await locked('held');
    await lock.writeProgress({ ...noProgress, lastPassStart: '2026-01-01T00:00:00.000Z' });
    lock.report(statusOf('held', 'Waiting', 0));
    assert.equal(await purgeHeld(), false, 'its holder may be about to claim');
    await lock.release();
    assert.equal(await purgeHeld(), true);
  });

  test('is distinguished from one that may have a row at its destination', async () => {
    const announced = await stored('announced');
    const first = await locked('announced');
    await first.writeProgress({ ...noProgress, mayHaveRow: true });
    await first.release();
    assert.equal(await announced(), false);

    const older = await stored('older');
    const second = await locked('older');
    await second.writeProgress({ ...noProgress, fingerprint: 'of a version that announced nothing' });
    await second.release();
    assert.equal(await older(), false);

    const moved = await stored('moved');
    const third = await locked('moved');
    await third.offsets.write('{}');
    await third.release();
    assert.equal(await moved(), false);

    const tokened = await stored('tokened');
    const fourth = await locked('tokened');
    fourth.report({ ...statusOf('tokened', 'Running', 0), fencingToken: '0.7' });
    await fourth.release();
    assert.equal(await tokened(), false);
    assert.notEqual(await coordination.desired.getSync('tokened'), undefined);
  });
});
