import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf, OperatorBed, type RunningOperator, type TestAgent } from '../e2e/kit/operator.ts';
import { type FaultProxy, faultProxy } from '../e2e/kit/proxy.ts';
import { until } from '../e2e/kit/wait.ts';
import type { KubernetesClient } from './runtime/client.ts';
import { connect } from './runtime/test-cluster.ts';

describe('the operator during outages', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  let proxy: FaultProxy;
  let client: KubernetesClient;
  let running: RunningOperator;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    proxy = await faultProxy('127.0.0.1', Number(new URL(bed.api.url).port));
    client = await connect(bed.api, { port: proxy.port });
    running = bed.run({ client, etcdView: { checkIntervalMs: 100, graceMs: 500 } });
    await bed.makeNamespace('team-a');
  });
  after(async () => {
    await running?.stop();
    client?.close();
    await proxy?.stop();
    await bed?.stop();
  });

  const shown = (name: string, reason: string) =>
    bed.shown(
      'team-a',
      name,
      `to be ${reason}`,
      (object) => conditionOf(object, 'Reconciling') === `True ${reason}`,
    );

  test('Kubernetes is down for a while: the operator continues afterwards', async () => {
    const made = await bed.makeSync('team-a', 'orders');
    await bed.inEtcd(made);
    proxy.refuse();
    await bed.patchSync('team-a', 'orders', { spec: { schedule: { every: '1m' } } });
    await agent.report(made.metadata.uid, { state: 'Running', hasCaughtUp: true, observedGeneration: 2 });
    await until(() => !running.operator.isLeader, { what: 'the leader to know that it is none' });
    assert.equal((await bed.stored(made))?.generation, 1);
    proxy.heal();
    await until(async () => (await bed.stored(made))?.generation === 2, {
      what: 'the new spec in etcd',
    });
    await bed.shown('team-a', 'orders', 'to run', ({ status }) => status?.state === 'Running');
  });

  test('the last agent stops: Syncs that no longer run are not reported as running', async () => {
    const completed = await bed.makeSync('team-a', 'done', { schedule: { once: true } });
    await bed.inEtcd(completed);
    await agent.report(completed.metadata.uid, {
      state: 'Completed',
      reason: 'Completed',
      fencingToken: '0.7',
    });
    await bed.shown('team-a', 'done', 'to be Completed', ({ status }) => status?.state === 'Completed');
    await agent.leave();
    const object = await shown('orders', 'NoAgent');
    assert.equal(object.status?.state, 'Pending');
    assert.equal(object.status?.agent, undefined);
    assert.equal(conditionOf(object, 'Ready'), 'True HasCaughtUp');
    assert.equal((await bed.sync('team-a', 'done')).status?.state, 'Completed');
    agent = await bed.joinAgent('idra-agent-1');
    await bed.shown('team-a', 'orders', 'to be as it was', ({ status }) => status?.state === 'Running');
  });

  test('etcd is down: every Sync reports it, new ones too, and requests made meanwhile are executed when it is back', async () => {
    const [member] = bed.store.members;
    await bed.makeSync('team-a', 'paused', { suspend: true });
    await bed.shown('team-a', 'paused', 'to be Suspended', ({ status }) => status?.state === 'Suspended');
    await member?.process.kill();
    assert.equal(conditionOf(await shown('orders', 'EtcdUnavailable'), 'Ready'), 'Unknown EtcdUnavailable');
    const made = await bed.makeSync('team-a', 'made-meanwhile');
    const object = await shown('made-meanwhile', 'EtcdUnavailable');
    assert.match(object.status?.message ?? '', /^etcd has not answered since .*nothing runs/);
    assert.notEqual(running.operator.etcdView.outage, undefined);
    assert.equal((await bed.sync('team-a', 'done')).status?.state, 'Completed');
    await bed.patchSync('team-a', 'paused', { spec: { suspend: false } });
    assert.equal((await shown('paused', 'EtcdUnavailable')).status?.state, 'Pending');
    await bed.kubectl('delete', 'sync', 'done', '-n', 'team-a', '--wait=false');
    await member?.process.restart();
    await bed.inEtcd(made);
    await bed.shown(
      'team-a',
      'made-meanwhile',
      'to be out of it',
      (each) => conditionOf(each, 'Reconciling') !== 'True EtcdUnavailable',
    );
    const done = await bed.sync('team-a', 'done');
    await until(async () => (await bed.stored(done))?.deletedAt, { what: 'the deletion in etcd' });
  });
});
