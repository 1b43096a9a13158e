import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OperatorBed, ShiftedClock, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import type { SyncObject } from './controllers/objects.ts';

describe('the life of a Sync', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  const clock = new ShiftedClock();
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    bed.run({ clock });
  });
  after(async () => {
    await bed.stop();
  });

  test('a request is executed once for each value; one that existed at creation is not executed', async () => {
    await bed.makeNamespace('requests');
    const annotations = { 'idra.dev/restart': 'old', 'idra.dev/run-now': 'old' };
    const made = await bed.makeSync('requests', 'orders', { annotations });
    const { uid } = made.metadata;
    await bed.inEtcd(made);
    const requestsOf = async () =>
      (await bed.coordination.requests.pending(uid)).map(({ type, id }) => `${type} ${id}`);
    await bed.annotate('requests', 'orders', { 'idra.dev/run-now': '1' });
    await until(async () => (await requestsOf()).length > 0, { what: 'a request in etcd' });
    assert.deepEqual(await requestsOf(), ['run-now 1']);
    const accepted = await bed.shown('requests', 'orders', 'to have it accepted', ({ status }) =>
      status?.requests?.some(({ id }) => id === '1'),
    );
    const states = (object: SyncObject) =>
      object.status?.requests?.map(({ type, id, state }) => `${type} ${id} ${state}`);
    assert.deepEqual(new Set(states(accepted)), new Set(['restart old Refused', 'run-now 1 Accepted']));

    const done = {
      type: 'run-now',
      id: '1',
      state: 'Done',
      message: 'a pass has begun',
      time: new Date().toISOString(),
    } as const;
    await (await agent.lock(uid)).finishRequest(done);
    await agent.report(uid, { state: 'Running', requests: [done] });
    await bed.shown('requests', 'orders', 'to have it done', (object) =>
      states(object)?.includes('run-now 1 Done'),
    );
    await bed.hasEvent('requests', 'orders', /^Normal RequestDone: run-now 1: a pass has begun/);
    // Another annotation triggers the operator again.
    await bed.annotate('requests', 'orders', { 'idra.dev/offset': 'nonsense' });
    await bed.hasEvent('requests', 'orders', /^Warning RequestRefused: offset nonsense: .*write it as/);
    assert.deepEqual(await requestsOf(), []);
    await bed.annotate('requests', 'orders', {
      'idra.dev/offset': '{"value": 41000, "expect": 42000, "id": "7", "by": "ann"}',
    });
    await until(async () => (await requestsOf()).includes('offset 7'), { what: 'the offset in etcd' });
    const [offset] = await bed.coordination.requests.pending(uid);
    assert.deepEqual(offset, {
      type: 'offset',
      id: '7',
      by: 'ann',
      offset: { value: '41000', expect: '42000' },
    });
  });

  test('requests that no agent executes do not fill etcd', async () => {
    await bed.makeNamespace('filled');
    const made = await bed.makeSync('filled', 'orders', { suspend: true });
    await bed.inEtcd(made);
    const pending = async () => await bed.coordination.requests.pending(made.metadata.uid);
    for (let index = 0; index < 20; index++) {
      await bed.annotate('filled', 'orders', { 'idra.dev/run-now': `r${index}` });
      await until(async () => (await pending()).length > index, { what: `request ${index}` });
    }
    await bed.annotate('filled', 'orders', { 'idra.dev/run-now': 'one more' });
    await bed.hasEvent(
      'filled',
      'orders',
      /^Warning RequestRefused: run-now one more: 20 requests are waiting/,
    );
    assert.equal((await pending()).length, 20);
  });

  test('a request that etcd has lost is not executed a second time', async () => {
    await bed.makeNamespace('forgotten');
    const made = await bed.makeSync('forgotten', 'orders');
    const { uid } = made.metadata;
    await bed.inEtcd(made);
    await bed.annotate('forgotten', 'orders', { 'idra.dev/restart': '1' });
    await until(async () => (await bed.coordination.requests.pending(uid)).length === 1, {
      what: 'the request',
    });
    await bed.shown(
      'forgotten',
      'orders',
      'to remember it',
      ({ status }) => status?.requests?.[0]?.id === '1',
    );
    for (const side of ['agent', 'operator'] as const) await bed.coordination.desired.purgeSync(uid, side);
    await bed.patchSync('forgotten', 'orders', { spec: { schedule: { every: '1m' } } });
    await bed.inEtcd(made);
    await bed.annotate('forgotten', 'orders', { 'idra.dev/run-now': '1' });
    await until(async () => (await bed.coordination.requests.pending(uid)).length > 0, {
      what: 'a later request',
    });
    assert.deepEqual(
      (await bed.coordination.requests.pending(uid)).map(({ type }) => type),
      ['run-now'],
    );
  });

  test('a deleted Sync is kept until an agent has cleaned up', async () => {
    await bed.makeNamespace('deleted');
    const made = await bed.makeSync('deleted', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running', fencingToken: '0.7' });
    await bed.shown('deleted', 'orders', 'to run', ({ status }) => status?.state === 'Running');
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'deleted', '--wait=false');
    await until(async () => (await bed.stored(made))?.deletedAt, { what: 'the deletion in etcd' });
    assert.equal(await bed.isGone('deleted', 'orders'), false);
    await agent.purge(made.metadata.uid);
    await until(() => bed.isGone('deleted', 'orders'), { what: 'the Sync to be gone' });
    assert.equal(await bed.stored(made), undefined);
  });

  test('a Sync recreated under the same name is another Sync, without the requests of the former one', async () => {
    await bed.makeNamespace('again');
    const annotations = { 'idra.dev/restart': '1' };
    const first = await bed.makeSync('again', 'orders', { annotations });
    await bed.inEtcd(first);
    // Without a lock it would be gone before that.
    await agent.lock(first.metadata.uid);
    // The finalizer is removed by hand: nothing was cleaned up.
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'again', '--wait=false');
    await bed.kubectl(
      'patch',
      'sync',
      'orders',
      '-n',
      'again',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":[]}}',
    );
    await until(() => bed.isGone('again', 'orders'), { what: 'the first to be gone' });
    const second = await bed.makeSync('again', 'orders', { annotations });
    await bed.inEtcd(second);
    await until(async () => (await bed.stored(first)) === undefined, { what: 'the first to be out of etcd' });
    assert.equal((await bed.coordination.desired.findSync('again', 'orders'))?.uid, second.metadata.uid);
    assert.deepEqual(await bed.coordination.requests.pending(second.metadata.uid), []);
  });

  test('a Sync that cannot be cleaned up within ten minutes is released, whatever the wall clock says, and an event lists what remains', async () => {
    await bed.makeNamespace('late');
    const made = await bed.makeSync('late', 'orders');
    await bed.inEtcd(made);
    const lastError = {
      code: 'DestinationUnreachable',
      message: 'no route to db',
      time: '2026-11-24T08:00:00Z',
      count: 9,
      isTransient: true,
    };
    await agent.report(made.metadata.uid, {
      state: 'Waiting',
      reason: 'DestinationUnreachable',
      fencingToken: '0.9',
      lastError,
    });
    await bed.shown('late', 'orders', 'to wait', ({ status }) => status?.lastError?.count === 9);
    const hourMs = 3_600_000;
    clock.jumpMs = hourMs;
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'late', '--wait=false');
    await until(async () => (await bed.stored(made))?.deletedAt, { what: 'the deletion in etcd' });
    clock.jumpMs = -hourMs;
    clock.passedMs = 601_000;
    await until(() => bed.isGone('late', 'orders'), { what: 'the Sync to be released' });
    clock.jumpMs = 0;
    assert.equal(await bed.stored(made), undefined);
    const event = await bed.hasEvent('late', 'orders', /^Warning CleanupIncomplete/);
    assert.match(event, /no route to db/);
    assert.ok(
      event.includes(
        `DataSource warehouse; remove it with: DELETE FROM "sales"."_idra_commits" WHERE uid = '${made.metadata.uid}'`,
      ),
      event,
    );
  });
});
