import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SyncStatus } from '../core/status.ts';
import { conditionOf, OperatorBed, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { finalizer } from './controllers/objects.ts';

describe('the status of a Sync', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  test('is in etcd with its finalizer, follows its spec, and is Pending until an agent reports', async () => {
    await bed.makeNamespace('apply');
    const made = await bed.makeSync('apply', 'orders');
    const first = await bed.inEtcd(made);
    assert.equal(first.namespace, 'apply');
    assert.equal((first.spec as { mode: string }).mode, 'Id');
    assert.equal(first.createdAt, made.metadata.creationTimestamp);
    const pending = await bed.shown(
      'apply',
      'orders',
      'to be Pending',
      ({ status }) => status?.conditions?.length,
    );
    assert.deepEqual(pending.metadata.finalizers, [finalizer]);
    assert.equal(pending.status?.state, 'Pending');
    assert.equal(conditionOf(pending, 'Reconciling'), 'True WaitingForAgent');

    await bed.patchSync('apply', 'orders', { spec: { schedule: { every: '1m' } } });
    await until(async () => (await bed.stored(made))?.generation === 2, {
      what: 'the new generation in etcd',
    });
    await bed.annotate('apply', 'orders', { 'idra.dev/suspend': 'true' });
    const suspended = await bed.shown(
      'apply',
      'orders',
      'to be suspended',
      ({ status }) => status?.state === 'Suspended',
    );
    assert.equal(suspended.status?.message, 'suspended by the annotation idra.dev/suspend');
    assert.equal(suspended.status?.observedGeneration, 2);
    await until(async () => (await bed.stored(made))?.isSuspendedByAnnotation, {
      what: 'the annotation in etcd',
    });
    await bed.annotate('apply', 'orders', { 'idra.dev/suspend': null });
    await bed.shown('apply', 'orders', 'to be Pending again', ({ status }) => status?.state === 'Pending');
    await until(async () => (await bed.stored(made))?.isSuspendedByAnnotation === undefined, {
      what: 'the annotation to be gone from etcd',
    });
  });

  const failed = {
    message: 'there is no table "orders"; create it, or correct spec.source.table',
    reason: 'TableNotFound',
  };
  const lastError = {
    code: 'SourceUnreachable',
    message: 'no route',
    time: '2026-11-24T08:00:00.000Z',
    count: 1,
    isTransient: true,
  };
  // One for each row of the table in docs/status.md, in an order that can occur in the life of a Sync.
  const rows: readonly [string, Partial<SyncStatus>, ready: string, reconciling: string, stalled: string][] =
    [
      [
        'Running, not caught up',
        { state: 'Running', reason: 'MovingRows' },
        'False MovingRows',
        'True MovingRows',
        'False Healthy',
      ],
      [
        'Waiting, not caught up',
        { state: 'Waiting', reason: 'Held' },
        'False Held',
        'True Held',
        'False Healthy',
      ],
      [
        'Running',
        { state: 'Running', hasCaughtUp: true },
        'True HasCaughtUp',
        'False Settled',
        'False Healthy',
      ],
      [
        'Waiting',
        { state: 'Waiting', hasCaughtUp: true },
        'True HasCaughtUp',
        'False Settled',
        'False Healthy',
      ],
      [
        'Waiting, retrying',
        { state: 'Waiting', reason: 'SourceUnreachable', hasCaughtUp: true, lastError },
        'True HasCaughtUp',
        'True SourceUnreachable',
        'False Healthy',
      ],
      [
        'Failed',
        { state: 'Failed', hasCaughtUp: true, ...failed },
        'False TableNotFound',
        'False Settled',
        'True TableNotFound',
      ],
      [
        'Pending',
        { state: 'Pending', reason: 'Starting', hasCaughtUp: true },
        'True HasCaughtUp',
        'True Starting',
        'False Healthy',
      ],
      [
        'Completed',
        { state: 'Completed', reason: 'Completed' },
        'True Completed',
        'False Settled',
        'False Healthy',
      ],
    ];

  test('each state of an agent has its conditions, and important changes are events', async () => {
    await bed.makeNamespace('states');
    const made = await bed.makeSync('states', 'orders');
    await bed.inEtcd(made);
    const { uid } = made.metadata;
    for (const [what, status, ready, reconciling, stalled] of rows) {
      await agent.report(uid, status);
      const object = await bed.shown(
        'states',
        'orders',
        `to be ${what}`,
        (each) =>
          each.status?.state === status.state &&
          conditionOf(each, 'Reconciling') === reconciling &&
          conditionOf(each, 'Ready') === ready,
      );
      assert.equal(conditionOf(object, 'Stalled'), stalled, what);
      const conditionStates = object.status?.conditions?.map(({ type }) => type);
      assert.deepEqual(conditionStates, ['Ready', 'Reconciling', 'Stalled']);
    }
    await agent.report(uid, { state: 'Waiting', hasCaughtUp: true });
    await bed.shown('states', 'orders', 'to wait', ({ status }) => status?.state === 'Waiting');
    await bed.patchSync('states', 'orders', { spec: { suspend: true } });
    const suspended = await bed.shown(
      'states',
      'orders',
      'to be suspended',
      ({ status }) => status?.state === 'Suspended',
    );
    const types = ['Ready', 'Reconciling', 'Stalled'];
    assert.deepEqual(
      types.map((type) => conditionOf(suspended, type)),
      ['True Suspended', 'False Settled', 'False Healthy'],
    );
    assert.equal(suspended.status?.message, 'suspended by spec.suspend');
    await bed.hasEvent('states', 'orders', /^Normal CaughtUp: .*0 rows were written/);
    await bed.hasEvent('states', 'orders', /^Warning SourceUnreachable: no route/);
    await bed.hasEvent('states', 'orders', /^Warning TableNotFound: there is no table "orders"; create it/);
    await bed.hasEvent('states', 'orders', /^Normal Recovered: is no longer stalled \(Pending\)/);
    await bed.hasEvent('states', 'orders', /^Normal Completed/);
  });

  test('kubectl get, wait and describe work as the contract defines', async () => {
    await bed.makeNamespace('shown');
    const made = await bed.makeSync('shown', 'orders', { mode: 'Timestamp', source: timestampSource });
    await bed.inEtcd(made);
    const waiting = bed.kubectl(
      'wait',
      '-n',
      'shown',
      'sync/orders',
      '--for=condition=Ready',
      '--timeout=20s',
    );
    await agent.report(made.metadata.uid, {
      state: 'Running',
      hasCaughtUp: true,
      rows: { read: 2_000_413, written: 2_000_413, deleted: 0, rejected: 0 },
      lagSeconds: 2,
      lastSyncTime: new Date().toISOString(),
      offset: '{"mode":"Timestamp","at":"2026-11-24 08:00:00Z","key":["42"]}',
      offsetText: '2026-11-24 08:00:00Z ["42"]',
      rowsPerSecond: 5_000,
      guarantee: 'ExactlyOnce',
    });
    assert.match(await waiting, /condition met/);
    const [heads = '', row = ''] = (await bed.kubectl('get', 'syncs', '-n', 'shown')).trimEnd().split('\n');
    assert.deepEqual(heads.split(/ {2,}/), [
      'NAME',
      'SOURCE',
      'DESTINATION',
      'MODE',
      'STATE',
      'AGENT',
      'ROWS',
      'LAG',
      'LAST SYNC',
      'AGE',
    ]);
    const cells = row.split(/ {2,}/);
    assert.deepEqual(cells.slice(0, 8), [
      'orders',
      'shop',
      'warehouse',
      'Timestamp',
      'Running',
      'idra-agent-0',
      '2000413',
      '2s',
    ]);
    assert.match(cells[8] ?? '', /^\d+s$/);
    const wide = await bed.kubectl('get', 'syncs', '-n', 'shown', '-o', 'wide');
    assert.match(wide, /OFFSET +RATE +MESSAGE/);
    assert.match(wide, /2026-11-24 08:00:00Z \["42"\] +5000\/s/);
    assert.match(await bed.kubectl('describe', 'sync', 'orders', '-n', 'shown'), /Guarantee: +ExactlyOnce/);
  });

  test('a CaughtUp status without changes is not written; progress is written at a limited rate', async () => {
    await bed.makeNamespace('still');
    const made = await bed.makeSync('still', 'orders');
    await bed.inEtcd(made);
    const caughtUp = { state: 'Waiting', hasCaughtUp: true } as const;
    await agent.report(made.metadata.uid, { ...caughtUp, lastPassTime: '2026-11-24T08:00:00.000Z' });
    const before = await bed.shown(
      'still',
      'orders',
      'to be Waiting',
      ({ status }) => status?.state === 'Waiting',
    );
    await agent.report(made.metadata.uid, {
      ...caughtUp,
      lastPassTime: '2026-11-24T08:00:10.000Z',
      observedAt: '2026-11-24T08:00:10.000Z',
    });
    // A later one of another Sync is present, so this one would be, too.
    const other = await bed.makeSync('still', 'others');
    await bed.inEtcd(other);
    await agent.report(other.metadata.uid, caughtUp);
    await bed.shown('still', 'others', 'to be Waiting', ({ status }) => status?.state === 'Waiting');
    assert.equal(
      (await bed.sync('still', 'orders')).metadata.resourceVersion,
      before.metadata.resourceVersion,
    );
    await agent.report(made.metadata.uid, {
      ...caughtUp,
      rows: { read: 7, written: 7, deleted: 0, rejected: 0 },
    });
    await bed.shown('still', 'orders', 'to have 7 rows', ({ status }) => status?.rows?.written === 7);
  });

  test('a takeover by another agent is an event', async () => {
    await bed.makeNamespace('moves');
    const made = await bed.makeSync('moves', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running' });
    await bed.shown('moves', 'orders', 'to run', ({ status }) => status?.agent === 'idra-agent-0');
    await agent.release(made.metadata.uid);
    const other = await bed.joinAgent('idra-agent-1');
    await other.report(made.metadata.uid, { state: 'Running' });
    await bed.shown('moves', 'orders', 'to run elsewhere', ({ status }) => status?.agent === 'idra-agent-1');
    await bed.hasEvent('moves', 'orders', /^Normal Moved: moved from agent idra-agent-0 to idra-agent-1/);
  });

  test('an invalid spec that the schema accepts is Failed with path and fix, and stops the previous run', async () => {
    await bed.makeNamespace('invalid');
    const made = await bed.makeSync('invalid', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running', hasCaughtUp: true });
    await bed.patchSync('invalid', 'orders', { spec: { schedule: { every: null, cron: '99 99 * * *' } } });
    const object = await bed.shown(
      'invalid',
      'orders',
      'to be Failed',
      ({ status }) => status?.state === 'Failed',
    );
    assert.equal(conditionOf(object, 'Stalled'), 'True InvalidSpec');
    assert.match(
      object.status?.message ?? '',
      /^spec\.schedule\.cron: 99 99 .* is not a cron expression; .*stopped until/,
    );
    const kept = await until(
      async () => {
        const desired = await bed.stored(made);
        return desired?.isSuspendedByAnnotation && desired;
      },
      { what: 'the sync to be stopped' },
    );
    assert.equal(kept.generation, 1);
    await bed.hasEvent('invalid', 'orders', /^Warning InvalidSpec: spec\.schedule\.cron/);
    await bed.patchSync('invalid', 'orders', { spec: { schedule: { cron: null, every: '5s' } } });
    await until(async () => (await bed.stored(made))?.generation === 3, { what: 'the fixed spec in etcd' });
    assert.equal((await bed.stored(made))?.isSuspendedByAnnotation, undefined);
    await bed.shown('invalid', 'orders', 'to run', ({ status }) => status?.state === 'Running');
  });
});

const timestampSource = { dataSource: 'shop', table: 'public.orders', timestampField: 'updated_at' };
