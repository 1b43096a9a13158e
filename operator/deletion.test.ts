import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf, OperatorBed, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { type DataSourceObject, dataSources, syncs } from './controllers/objects.ts';
import type { KubernetesObject } from './runtime/objects.ts';

const many = 50;

describe('deletion', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start();
    // With an agent present, "no agent can run it" is no reason to release the Sync.
    agent = await bed.joinAgent('idra-agent-0');
    bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  const names = Array.from({ length: many }, (_, index) => `s${index}`);
  const left = async (namespace: string) =>
    (await bed.client.list<KubernetesObject>(syncs, { namespace })).items.length +
    (await bed.client.list<KubernetesObject>(dataSources, { namespace })).items.length;

  test('many Syncs that never ran are deleted at once, and no remains are reported', async () => {
    await bed.makeNamespace('never-ran');
    const missing = { source: { dataSource: 'nosuch', table: 'public.t', idField: 'id' } };
    const made = await Promise.all(names.map((name) => bed.makeSync('never-ran', name, missing)));
    for (const each of made) await bed.inEtcd(each);
    await bed.kubectl('delete', 'syncs,datasources', '--all', '-n', 'never-ran', '--wait=false');
    await until(async () => (await left('never-ran')) === 0, { what: 'all to be gone' });
    assert.deepEqual((await bed.coordination.desired.read()).syncs, []);
    assert.doesNotMatch(await bed.kubectl('get', 'events', '-n', 'never-ran'), /CleanupIncomplete/);
  });

  test('a Sync that an agent has held without a claim waits for that agent', async () => {
    await bed.makeNamespace('held');
    const made = await bed.makeSync('held', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Waiting', reason: 'Unreachable' });
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'held', '--wait=false');
    const shown = await bed.shown(
      'held',
      'orders',
      'to be Deleting',
      ({ status }) => status?.state === 'Deleting',
    );
    assert.equal(conditionOf(shown, 'Ready'), 'False Deleting');
    assert.equal(conditionOf(shown, 'Reconciling'), 'True Deleting');
    assert.match(shown.status?.message ?? '', /^is being deleted; an agent is stopping it/);
    await agent.release(made.metadata.uid);
    await until(() => bed.isGone('held', 'orders'), { what: 'it to be gone' });
  });

  test('the deletion of a namespace is not blocked by unreachable databases', async () => {
    await bed.makeNamespace('ends');
    const lastError = {
      code: 'Unreachable',
      message: 'no route to db',
      time: '2026-11-24T08:00:00Z',
      count: 9,
      isTransient: true,
    };
    const made = await Promise.all(names.map((name) => bed.makeSync('ends', name)));
    for (const each of made) {
      await bed.inEtcd(each);
      await agent.report(each.metadata.uid, { state: 'Waiting', fencingToken: '0.9', lastError });
    }
    await bed.shown('ends', 's0', 'to wait', ({ status }) => status?.fencingToken);
    await bed.kubectl('delete', 'namespace', 'ends', '--wait=false');
    // Simulates the namespace controller, which is not part of the API server.
    await bed.kubectl('delete', 'syncs,datasources', '--all', '-n', 'ends', '--wait=false');
    await until(async () => (await left('ends')) === 0, { what: 'all to be gone' });
    const event = await bed.hasEvent('default', 'ends', /^Warning CleanupIncomplete: Sync ends\/s0:/);
    assert.match(event, /within 10 s of the deletion of its namespace \(no route to db\)/);
  });

  test('a DataSource is deleted when the last Sync that uses it is cleaned up, even if another finalizer keeps that Sync', async () => {
    await bed.makeNamespace('kept');
    const made = await bed.makeSync('kept', 'orders');
    await bed.inEtcd(made);
    await bed.untilFinalized('kept', 'shop');
    const { metadata } = await bed.sync('kept', 'orders');
    // As in a foreground deletion of a Sync that owns its DataSources: it waits until they are gone.
    const finalizers = [...(metadata.finalizers ?? []), 'example.com/waits-for-its-data-sources'];
    await bed.patchSync('kept', 'orders', { metadata: { finalizers } });
    await bed.kubectl('delete', 'sync,datasources', '--all', '-n', 'kept', '--wait=false');
    const dataSourcesLeft = async () =>
      (await bed.client.list<KubernetesObject>(dataSources, { namespace: 'kept' })).items.length;
    await until(async () => (await dataSourcesLeft()) === 0, { what: 'the DataSources to be gone' });
    await bed.patchSync('kept', 'orders', { metadata: { finalizers: null } });
    await until(() => bed.isGone('kept', 'orders'), { what: 'the Sync to be gone' });
  });

  test('a deleted DataSource in use reports what it waits for, and observes no later spec', async () => {
    await bed.makeNamespace('used');
    const made = await bed.makeSync('used', 'orders');
    await bed.inEtcd(made);
    const read = async () =>
      await bed.client.get<DataSourceObject>(dataSources, { namespace: 'used', name: 'shop' });
    const shown = async (pattern: RegExp) =>
      await until(
        async () => {
          const object = await read();
          return pattern.test(object.status?.message ?? '') && object;
        },
        { what: `shop to report ${pattern}` },
      );
    const { status: first } = await shown(/waiting for an agent/);
    await bed.untilFinalized('used', 'shop');
    await bed.kubectl('delete', 'datasource', 'shop', '-n', 'used', '--wait=false');
    const deleted = await shown(/^is being deleted; waiting until no Sync uses it: used\/orders/);
    assert.equal(conditionOf(deleted, 'Ready'), 'False Deleting');
    assert.equal(conditionOf(deleted, 'Reconciling'), 'True Deleting');
    await bed.client.patch(
      dataSources,
      { namespace: 'used', name: 'shop' },
      {
        spec: { postgres: { host: 'elsewhere' } },
      },
    );
    // Another status of this DataSource is written after the change, which still does not observe it.
    await bed.makeSync('used', 'items');
    const { status, metadata } = await shown(/used\/items, used\/orders/);
    assert.equal(status?.observedGeneration, first?.observedGeneration);
    assert.ok((metadata.generation ?? 0) > (status?.observedGeneration ?? 0));
    assert.ok(status?.conditions?.every((each) => each.observedGeneration === first?.observedGeneration));
  });
});
