import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OperatorBed, ShiftedClock, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { finalizer, type SyncObject } from './controllers/objects.ts';

describe('a Sync of Kubernetes', () => {
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

  const inEtcd = (object: SyncObject) =>
    until(() => bed.coordination.desired.getSync(object.metadata.uid), {
      what: `${object.metadata.name} in etcd`,
    });
  const until_ = async (
    namespace: string,
    name: string,
    what: string,
    holds: (object: SyncObject) => boolean,
  ) =>
    await until(
      async () => {
        const object = await bed.sync(namespace, name);
        return holds(object) && object;
      },
      { what: `${name} ${what}` },
    );
  const condition = ({ status }: SyncObject, type: string) => {
    const found = status?.conditions?.find((each) => each.type === type);
    return found && `${found.status} ${found.reason}`;
  };

  test('comes to etcd with its finalizer, follows its spec, and is Pending until an agent says more', async () => {
    await bed.makeNamespace('apply');
    const made = await bed.makeSync('apply', 'orders');
    const stored = await inEtcd(made);
    assert.equal(stored.namespace, 'apply');
    assert.equal((stored.spec as { mode: string }).mode, 'Id');
    assert.equal(stored.createdAt, made.metadata.creationTimestamp);
    const shown = await until_(
      'apply',
      'orders',
      'to be Pending',
      ({ status }) => (status?.conditions?.length ?? 0) > 0,
    );
    assert.deepEqual(shown.metadata.finalizers, [finalizer]);
    assert.equal(shown.status?.state, 'Pending');
    assert.equal(condition(shown, 'Reconciling'), 'True WaitingForAgent');

    await bed.patchSync('apply', 'orders', { spec: { schedule: { every: '1m' } } });
    await until(async () => (await bed.coordination.desired.getSync(made.metadata.uid))?.generation === 2, {
      what: 'the new generation in etcd',
    });
    await bed.patchSync('apply', 'orders', { metadata: { annotations: { 'idra.dev/suspend': 'true' } } });
    const suspended = await until_(
      'apply',
      'orders',
      'to be suspended',
      ({ status }) => status?.state === 'Suspended',
    );
    assert.equal(suspended.status?.message, 'suspended by the annotation idra.dev/suspend');
    assert.equal(suspended.status?.observedGeneration, 2);
    await until(
      async () => (await bed.coordination.desired.getSync(made.metadata.uid))?.isSuspendedByAnnotation,
      {
        what: 'the annotation in etcd',
      },
    );
  });
});
