import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { managedByAnnotation } from '../core/manifest/names.ts';
import { conditionOf, OperatorBed, type RunningOperator } from '../e2e/kit/operator.ts';
import { etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { dataSources, finalizer, type SyncObject } from './controllers/objects.ts';
import type { OperatorClient } from './controllers/operator-client.ts';

const [first, second] = ['default/idra', 'default/other'];

/** Two installations of Idra, each with its own etcd, watch all namespaces of one cluster. */
describe('two installations that watch one namespace', () => {
  let one: OperatorBed;
  let other: OperatorBed;
  let operators: RunningOperator[];
  /** Paths of the second installation's writes to Syncs and DataSources. */
  const written: string[] = [];
  before(async () => {
    one = await OperatorBed.start();
    other = new OperatorBed(one.api, await etcd({ members: 1 }), one.client);
    operators = [one.run()];
    // The first object of an installation makes the namespace its own.
    await one.makeNamespace('team');
    await one.untilFinalized('team', 'shop');
    operators.push(runOther());
    await until(() => operators[1]?.operator.isLeader, { what: 'both to act' });
  });
  after(async () => {
    for (const each of operators) await each.stop();
    await other.coordination.close();
    await other.store.stop();
    await one.stop();
  });

  const runOther = () => {
    const client: OperatorClient = Object.assign(Object.create(one.client), {
      patch: async (...args: Parameters<OperatorClient['patch']>) => {
        const [resource, ref] = args;
        if (resource.group === 'idra.dev') written.push(`${resource.plural} ${ref.namespace}/${ref.name}`);
        return await one.client.patch(...args);
      },
      list: one.client.list.bind(one.client),
      watch: one.client.watch.bind(one.client),
      get: one.client.get.bind(one.client),
      create: one.client.create.bind(one.client),
    });
    const lease = { namespace: 'default', name: 'other-operator' };
    return other.run({ client, installation: second, lease, blankStatusMs: 3_000 });
  };
  const ownerOf = async (namespace: string, name: string) =>
    (await one.sync(namespace, name)).metadata.annotations?.[managedByAnnotation];
  const owned = async (namespace: string, name: string, owner: string) =>
    await until(async () => (await ownerOf(namespace, name)) === owner, {
      what: `${name} to be of ${owner}`,
    });
  const inBoth = async (object: SyncObject) => [await one.stored(object), await other.stored(object)];

  test('objects of the first one are not touched by the second one, which reports this', async () => {
    const agent = await one.joinAgent('idra-agent-0');
    const made = await one.makeSync('team', 'orders');
    await one.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running', hasCaughtUp: true });
    await one.shown('team', 'orders', 'to be Ready', (each) =>
      conditionOf(each, 'Ready')?.startsWith('True'),
    );
    await one.hasEvent(
      'team',
      'orders',
      /^Normal ManagedElsewhere: is managed by .* default\/idra: default\/other does not change it/,
    );
    assert.equal(await ownerOf('team', 'orders'), first);
    assert.equal(await other.stored(made), undefined);
    assert.deepEqual(written, []);
    await agent.leave();
  });

  test('a deletion waits for the installation that the object belongs to', async () => {
    const made = await one.makeSync('team', 'deleted');
    await one.inEtcd(made);
    await one.hasEvent('team', 'deleted', /ManagedElsewhere/);
    await operators[0]?.stop();
    await one.kubectl('delete', 'sync', 'deleted', '-n', 'team', '--wait=false');
    await until(() => operators[1]?.operator.syncs.get('team/deleted')?.metadata.deletionTimestamp, {
      what: 'the other to see the deletion',
    });
    // When the other processes a later object, it has finished ignoring this one.
    await one.makeNamespace('later');
    await other.inEtcd(await one.makeSync('later', 'orders'));
    assert.ok((await one.sync('team', 'deleted')).metadata.finalizers?.includes(finalizer));
    assert.ok(!written.some((each) => each.includes('team/')), written.join());
    operators[0] = one.run();
    await until(() => one.isGone('team', 'deleted'), { what: 'its own to let it go' });
  });

  test('a Sync that is handed over by annotation stops here and continues there', async () => {
    const made = await one.sync('team', 'orders');
    await one.annotate('team', 'orders', { [managedByAnnotation]: second });
    await other.inEtcd(made);
    await until(async () => (await one.stored(made))?.isSuspendedByAnnotation, {
      what: 'the first to stop it',
    });
    // The DataSources still belong to the first installation.
    await until(() => other.coordination.desired.getDataSource('team', 'shop'), {
      what: 'its DataSource there',
    });
    const shop = await one.client.get(dataSources, { namespace: 'team', name: 'shop' });
    assert.equal(shop.metadata.annotations?.[managedByAnnotation], first);
    await one.annotate('team', 'orders', { [managedByAnnotation]: first });
    await until(async () => (await one.stored(made))?.isSuspendedByAnnotation === undefined, {
      what: 'it to run here again',
    });
    await until(async () => (await other.stored(made))?.isSuspendedByAnnotation, {
      what: 'the other to stop it',
    });
    await until(async () => !(await other.coordination.desired.getDataSource('team', 'shop')), {
      what: 'the DataSource to be gone there',
    });
  });

  test('an object of an installation that does not exist reports this if its status is empty, and waits to be handed over', async () => {
    await one.makeNamespace('restored');
    const annotations = { [managedByAnnotation]: 'gone/idra' };
    await one.makeSync('restored', 'orders', { annotations });
    const blank = await one.shown('restored', 'orders', 'to report it', (each) => conditionOf(each, 'Ready'));
    assert.equal(conditionOf(blank, 'Ready'), 'Unknown ManagedElsewhere');
    assert.equal(blank.status?.state, undefined);
    assert.equal(blank.metadata.finalizers, undefined);
    assert.deepEqual(await inBoth(blank), [undefined, undefined]);
    await one.annotate('restored', 'orders', { [managedByAnnotation]: null });
    const taken = await one.shown('restored', 'orders', 'to be taken', ({ status }) => status?.state);
    assert.equal(conditionOf(taken, 'Ready'), 'False WaitingForAgent');
  });

  test('a Sync that is handed over to an installation that does not run is not Ready any more', async () => {
    await one.makeNamespace('given');
    const agent = await one.joinAgent('idra-agent-1');
    const made = await one.makeSync('given', 'orders', { annotations: { [managedByAnnotation]: first } });
    await one.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Running', hasCaughtUp: true });
    const shown = async (ready: string) =>
      await one.shown('given', 'orders', `to be ${ready}`, (each) => conditionOf(each, 'Ready') === ready);
    await shown('True HasCaughtUp');
    await one.annotate('given', 'orders', { [managedByAnnotation]: 'gone/idra' });
    const { status } = await shown('False ManagedElsewhere');
    assert.equal(status?.state, 'Pending');
    assert.match(status?.message ?? '', /another installation of Idra, gone\/idra/);
    await agent.leave();
  });

  test('an object without an installation, from an earlier version, is adopted, and its Sync continues', async () => {
    const made = await one.sync('team', 'orders');
    const stored = await one.stored(made);
    await operators[0]?.stop();
    await operators[1]?.stop();
    for (const each of ['shop', 'warehouse'])
      await one.client.patch(
        dataSources,
        { namespace: 'team', name: each },
        { metadata: { annotations: { [managedByAnnotation]: null } } },
      );
    await one.annotate('team', 'orders', { [managedByAnnotation]: null });
    operators[0] = one.run();
    await owned('team', 'orders', first);
    await one.annotate('team', 'orders', { 'idra.dev/run-now': '1' });
    await until(async () => (await one.coordination.requests.pending(made.metadata.uid)).length > 0, {
      what: 'the operator to have examined it again',
    });
    assert.equal((await one.stored(made))?.version, stored?.version);
  });
});
