import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentOf } from '../coordination/test-etcd.ts';
import { adminPassword } from './test-api.ts';
import { startCluster, type TestCluster } from './test-cluster.ts';

describe('many logins', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
    await cluster.api.admin();
  });
  after(() => cluster?.stop());

  test('fifty at once do not keep a lease of the same process from being renewed', async () => {
    const session = await cluster.coordination.join(agentOf('a-0'), { leaseTtlMs: 2_000 });
    let least = Number.POSITIVE_INFINITY;
    const watch = setInterval(() => {
      least = Math.min(least, session.leaseLeftMs());
    }, 20);
    const logins = await Promise.all(
      Array.from({ length: 50 }, () =>
        cluster.api.client().call('/session', {
          method: 'POST',
          body: { user: 'admin', password: adminPassword },
        }),
      ),
    );
    clearInterval(watch);
    assert.deepEqual([...new Set(logins.map(({ status }) => status))], [200]);
    assert.ok(!session.signal.aborted);
    assert.ok(least > 0, `${least} ms were left`);
    await session.leave();
  });

  test('an unknown user takes as long as a known one, and reads as much', async () => {
    const { services } = cluster.api.api;
    const times = { admin: [] as number[], nobody: [] as number[] };
    for (let round = 0; round < 4; round++)
      for (const user of ['admin', 'nobody'] as const) {
        const start = performance.now();
        const answer = await cluster.api.client().call('/session', {
          method: 'POST',
          body: { user, password: 'wrong' },
        });
        times[user].push(performance.now() - start);
        assert.equal(answer.status, 401);
      }
    const median = (all: number[]) => all.sort((a, b) => a - b)[2] ?? 0;
    // A hash takes a hundred times as long as everything else: without it the ratio would be far from one.
    const ratio = median(times.nobody) / median(times.admin);
    assert.ok(ratio > 0.3 && ratio < 3, `ratio ${ratio}`);
    assert.ok(await services.users.isSetUp());
  });
});
