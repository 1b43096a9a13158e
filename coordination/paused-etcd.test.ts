import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { etcd } from '../e2e/kit/servers.ts';
import { agentOf, Connections } from './test-etcd.ts';
import { syncOf } from './test-objects.ts';

const leaseTtlMs = 6_000;

test('an etcd that is repeatedly paused for a third of a lease costs no lease and no lock', async () => {
  const server = await etcd({ members: 3 });
  const connections = new Connections(server);
  try {
    const session = await connections.open().join(agentOf('steady'), { leaseTtlMs });
    const lock = await session.store.acquire(syncOf('kept'));
    const leadership = await session.campaign(session.signal);
    for (let turn = 0; turn < 3; turn++) {
      for (const { process } of server.members) await process.kill('SIGSTOP');
      // The tested fault: etcd is unavailable for this long.
      await pause(leaseTtlMs / 3);
      for (const { process } of server.members) await process.kill('SIGCONT');
      await lock?.writeProgress({ hasCaughtUp: true, isCompleted: false, lastSyncTime: `turn ${turn}` });
    }
    assert.ok(lock);
    for (const held of [session.signal, lock.signal, leadership.signal]) assert.equal(held.aborted, false);
    assert.equal((await lock.readProgress()).lastSyncTime, 'turn 2');
    await session.leave();
  } finally {
    await connections.close();
    await server.stop();
  }
});
