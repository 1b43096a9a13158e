import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { coordinateOver } from '../connect.ts';
import type { Trial } from '../contract.ts';
import { EtcdClient } from '../etcd/client.ts';
import { agentOf } from '../test-etcd.ts';

let server: EtcdServer;
let laterMs = 0;
const clock = { ...systemClock, now: () => Date.now() + laterMs };

before(async () => {
  server = await etcd();
});
after(() => server.stop());

test('a DataSource that has ended two agents is not opened by a third, until one has survived it', async () => {
  const coordination = coordinateOver(new EtcdClient(server), server.prefix, clock);
  const { trials } = coordination;
  const of = (agent: string, identity = 'first'): Trial => ({
    dataSource: 'team/rogue',
    identity,
    agent,
    instance: `of ${agent}`,
  });
  const quarantined = { code: 'DataSourceQuarantined', message: /team\/rogue .*one at .*two at / };
  try {
    // Neither of them completes or deletes its record.
    await trials.begin(of('one'));
    await trials.begin(of('two'));
    await assert.rejects(trials.begin(of('three')), quarantined);
    await assert.rejects(trials.begin(of('three')), quarantined);
    // Another config and another DataSource are not affected.
    await (await trials.begin(of('four', 'second')))();
    await (await trials.begin({ ...of('four'), dataSource: 'team/rogue2' }))();
    await assert.rejects(trials.begin(of('three')), quarantined);
    laterMs = 11 * 60_000;
    const survived = await trials.begin(of('three'));
    await survived();
    await (await trials.begin(of('five')))();
  } finally {
    await coordination.close();
  }
});

test('the record of a live agent does not count', async () => {
  const coordination = coordinateOver(new EtcdClient(server), server.prefix, systemClock);
  const trial = { dataSource: 'team/slow', identity: 'x' };
  const live = ['a', 'b', 'c'].map((name) => agentOf(name));
  const sessions = await Promise.all(live.map((agent) => coordination.join(agent, { leaseTtlMs: 5_000 })));
  try {
    for (const { name, instance } of live)
      await coordination.trials.begin({ ...trial, agent: name, instance });
    await coordination.trials.begin({ ...trial, agent: 'd', instance: 'd' });
  } finally {
    await Promise.all(sessions.map((session) => session.leave()));
    await coordination.close();
  }
});
