import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { permanent } from '../core/errors.ts';
import { managedByAnnotation } from '../core/manifest/names.ts';
import { conditionOf, OperatorBed, type RunningOperator, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { type DataSourceObject, dataSources, type SyncObject } from './controllers/objects.ts';
import type { OperatorClient } from './controllers/operator-client.ts';
import { TestLog } from './runtime/test-cluster.ts';

describe('a namespace that is no longer watched', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  let running: RunningOperator;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
  });
  after(async () => {
    await bed.stop();
  });

  /** A Sync that is Ready under an operator that watches all namespaces. */
  const runningIn = async (namespace: string): Promise<SyncObject> => {
    await bed.makeNamespace(namespace);
    const made = await bed.makeSync(namespace, 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running', hasCaughtUp: true, fencingToken: '0.7' });
    return await bed.shown(
      namespace,
      'orders',
      'to be Ready',
      (each) => conditionOf(each, 'Ready') === 'True HasCaughtUp',
    );
  };
  const shop = async (namespace: string) =>
    await bed.client.get<DataSourceObject>(dataSources, { namespace, name: 'shop' });
  const isStopped = async (object: SyncObject) =>
    (await bed.stored(object))?.isSuspendedByAnnotation === true;

  test('is released: stopped in etcd, not Ready, without finalizers; it continues when it is watched again', async () => {
    running = bed.run();
    const [kept, left] = [await runningIn('kept'), await runningIn('left')];
    await running.stop();
    running = bed.run({ namespaces: ['kept'] });
    const released = await bed.shown(
      'left',
      'orders',
      'to be released',
      ({ metadata }) => metadata.finalizers === undefined,
    );
    assert.ok(await isStopped(left));
    assert.equal(released.status?.state, 'Pending');
    assert.equal(released.status?.agent, undefined);
    assert.equal(conditionOf(released, 'Ready'), 'False NotWatched');
    assert.match(
      released.status?.message ?? '',
      /^namespace left is no longer watched by the installation default\/idra/,
    );
    assert.equal(released.metadata.annotations?.[managedByAnnotation], undefined);
    await bed.hasEvent('left', 'orders', /^Warning NotWatched/);
    const source = await until(
      async () => {
        const object = await shop('left');
        return object.metadata.finalizers === undefined && object;
      },
      { what: 'the DataSource to be released' },
    );
    assert.equal(conditionOf(source, 'Ready'), 'Unknown NotWatched');
    assert.equal(await bed.coordination.desired.getDataSource('left', 'shop'), undefined);
    assert.equal((await bed.sync('kept', 'orders')).metadata.resourceVersion, kept.metadata.resourceVersion);
    assert.ok(!(await isStopped(kept)));

    await running.stop();
    running = bed.run();
    await until(async () => !(await isStopped(left)), { what: 'it to be wanted again' });
    await bed.shown(
      'left',
      'orders',
      'to be Ready again',
      (each) => conditionOf(each, 'Ready') === 'True HasCaughtUp',
    );
    await running.stop();
  });

  test('if the operator has lost its rights, nothing runs, and its log lists what remains to be done', async () => {
    running = bed.run();
    const made = await runningIn('forbidden');
    await running.stop();
    const log = new TestLog();
    const client: OperatorClient = {
      list: async (resource, options) => {
        if (options?.namespace === 'forbidden') throw permanent('KubernetesForbidden', 'forbidden');
        return await bed.client.list(resource, options);
      },
      watch: bed.client.watch.bind(bed.client),
      get: bed.client.get.bind(bed.client),
      create: bed.client.create.bind(bed.client),
      patch: bed.client.patch.bind(bed.client),
    };
    running = bed.run({ namespaces: ['kept'], client, log });
    await until(() => isStopped(made), { what: 'it to be stopped' });
    await until(
      () =>
        log.lines.some((line) =>
          /^error a namespace is no longer watched, and this operator may not/.test(line),
        ),
      {
        what: 'the log entry',
      },
    );
    await running.stop();
    // With the rights it is released, even if etcd has no record of it.
    await bed.coordination.desired.purgeSync(made.metadata.uid, 'operator');
    assert.equal(await bed.stored(made), undefined);
    running = bed.run({ namespaces: ['kept'] });
    const released = await bed.shown(
      'forbidden',
      'orders',
      'to be released',
      ({ metadata }) => metadata.finalizers === undefined,
    );
    assert.equal(conditionOf(released, 'Ready'), 'False NotWatched');
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'forbidden');
    await running.stop();
  });

  test('objects that are being deleted there are released, and deleted in etcd too', async () => {
    running = bed.run();
    const made = await runningIn('deleted');
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'deleted', '--wait=false');
    await until(async () => (await bed.stored(made))?.deletedAt, { what: 'the deletion in etcd' });
    await running.stop();
    running = bed.run({ namespaces: ['kept'] });
    await until(() => bed.isGone('deleted', 'orders'), { what: 'it to be gone' });
    assert.equal(await bed.stored(made), undefined);
    const event = await bed.hasEvent('deleted', 'orders', /^Warning NotWatched/);
    assert.match(
      event,
      /was released without cleanup\. Remaining: its row in _idra_commits of DataSource warehouse/,
    );
  });
});
