import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { manifests } from '../connectors/catalog.ts';
import { systemClock } from '../core/clock.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { reconcileDataSource } from './controllers/data-source.ts';
import type { ReconcilerDeps } from './controllers/deps.ts';
import { Inventory } from './controllers/inventory.ts';
import { type DataSourceObject, dataSources, type SyncObject } from './controllers/objects.ts';
import { Ownership } from './controllers/ownership.ts';
import { SpecCache } from './controllers/spec-cache.ts';
import { reconcileSync } from './controllers/sync.ts';

const { signal } = new AbortController();

/** Besides the leading operator, there is one that still holds an older object: it was paused, or is slow. */
describe('an operator with an outdated object', () => {
  let bed: OperatorBed;
  before(async () => {
    bed = await OperatorBed.start();
    bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  const late = (held: { dataSource?: DataSourceObject; sync?: SyncObject }) =>
    ({
      client: bed.client,
      coordination: bed.coordination,
      specCache: new SpecCache(manifests),
      dataSources: { get: () => held.dataSource },
      syncs: { get: () => held.sync },
      syncStatuses: { write: async () => undefined, current: () => undefined },
      etcdView: {},
      ownership: new Ownership(bed.client, 'default/idra'),
      clock: systemClock,
      inventory: new Inventory(bed.coordination.desired, []),
    }) as unknown as ReconcilerDeps;
  const stored = (namespace: string) => bed.coordination.desired.getDataSource(namespace, 'shop');
  const change = async (namespace: string, spec: object) =>
    await bed.client.patch<DataSourceObject>(dataSources, { namespace, name: 'shop' }, { spec });
  const inEtcd = async (namespace: string, generation: number) =>
    await until(async () => (await stored(namespace))?.generation === generation, {
      what: `generation ${generation} in etcd`,
    });
  const reconcile = async (object: DataSourceObject) =>
    await reconcileDataSource(late({ dataSource: object }), `${object.metadata.namespace}/shop`, signal);
  const read = async (namespace: string) =>
    await bed.client.get<DataSourceObject>(dataSources, { namespace, name: 'shop' });

  test('does not overwrite a newer DataSource with an older one', async () => {
    await bed.makeNamespace('older');
    await inEtcd('older', 1);
    const object = await read('older');
    await change('older', { postgres: { host: 'newer' } });
    await inEtcd('older', 2);
    await assert.rejects(reconcile(object), { code: 'Conflict', disposition: 'transient' });
    assert.equal((await stored('older'))?.generation, 2);
    await reconcile(await read('older'));
  });

  test('does not overwrite or delete a DataSource that was recreated under the same name', async () => {
    await bed.makeNamespace('remade');
    await inEtcd('remade', 1);
    const object = await read('remade');
    await bed.kubectl('delete', 'datasource', 'shop', '-n', 'remade');
    assert.equal(await stored('remade'), undefined);
    await assert.rejects(reconcile(object), { code: 'Conflict' });
    assert.equal(await stored('remade'), undefined);
    const next = await bed.makeDataSource('remade', 'shop');
    await inEtcd('remade', 1);
    await assert.rejects(reconcile(object), { code: 'Conflict' });
    const deletionTimestamp = new Date().toISOString();
    const deps = {
      ...late({ dataSource: { ...object, metadata: { ...object.metadata, deletionTimestamp } } }),
      users: { of: () => [] },
    } as unknown as ReconcilerDeps;
    await reconcileDataSource(deps, 'remade/shop', signal).catch(() => {});
    assert.equal((await stored('remade'))?.uid, next.metadata.uid);
  });

  test('does not overwrite a newer Sync with an older Sync or annotation, and does not restore a deleted one', async () => {
    await bed.makeNamespace('syncs');
    const made = await bed.makeSync('syncs', 'orders');
    await bed.inEtcd(made);
    const object = await bed.sync('syncs', 'orders');
    const reconcileOlder = (held = object) => reconcileSync(late({ sync: held }), 'syncs/orders', signal);
    await bed.annotate('syncs', 'orders', { 'idra.dev/suspend': 'true' });
    await until(async () => (await bed.stored(made))?.isSuspendedByAnnotation, { what: 'the annotation' });
    await assert.rejects(reconcileOlder(), { code: 'Conflict' });
    assert.equal((await bed.stored(made))?.isSuspendedByAnnotation, true);
    await bed.annotate('syncs', 'orders', { 'idra.dev/suspend': null });
    await bed.patchSync('syncs', 'orders', { spec: { schedule: { every: '1m' } } });
    await until(async () => (await bed.stored(made))?.generation === 2, { what: 'the new generation' });
    await assert.rejects(reconcileOlder(), { code: 'Conflict' });
    const invalid = { ...object, spec: { ...(object.spec as object), mode: 'Backwards' } };
    await assert.rejects(reconcileOlder(invalid), { code: 'Conflict' });
    const { generation, isSuspendedByAnnotation } = (await bed.stored(made)) ?? {};
    assert.deepEqual([generation, isSuspendedByAnnotation], [2, undefined]);
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'syncs');
    await until(async () => (await bed.stored(made)) === undefined, { what: 'it to be gone from etcd' });
    await assert.rejects(reconcileOlder(), { code: 'Conflict' });
    assert.equal(await bed.stored(made), undefined);
  });
});
