import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manifests } from '../connectors/catalog.ts';
import { openStateFile } from '../coordination/single/state-file.ts';
import { IdraError } from '../core/errors.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { makeNamespace } from '../operator/runtime/test-cluster.ts';
import type { Fleet, FleetManifest } from './contract.ts';
import { openFleet } from './open.ts';

const namespace = 'team-a';

function manifest(kind: ManifestKind, name: string, written: object): FleetManifest {
  const { spec, findings } = manifests.examine(kind, written, 'cluster');
  assert.deepEqual(findings, []);
  return { kind, namespace, name, spec: spec ?? {} };
}

const shop = (host: string) =>
  manifest('DataSource', 'shop', {
    postgres: { host, database: 'd', user: 'u', passwordSecretRef: { name: 'shop', key: 'password' } },
  });
const orders = (every: string) =>
  manifest('Sync', 'orders', {
    source: { dataSource: 'shop', table: 'orders', idField: 'id' },
    destination: { dataSource: 'shop', table: 'copy' },
    mode: 'Id',
    schedule: { every },
  });

const withCode = (code: string) => (thrown: unknown) => thrown instanceof IdraError && thrown.code === code;

describe('operations of a fleet', () => {
  let bed: OperatorBed;
  before(async () => {
    bed = await OperatorBed.start();
    await makeNamespace(bed.client, namespace);
  });
  after(async () => {
    await bed?.stop();
  });

  const kinds: readonly {
    readonly kind: string;
    readonly open: () => Promise<Fleet>;
    /** Simulates what agents and the operator do when a Sync is deleted. */
    readonly cleanUp: (sync: SyncIdentity) => Promise<void>;
  }[] = [
    {
      kind: 'custom resources',
      open: () => openFleet({ kind: 'kubernetes', kubeconfig: bed.api.kubeconfigPath }, {}),
      cleanUp: async () => {},
    },
    {
      kind: 'etcd',
      open: () =>
        openFleet(
          { kind: 'etcd' },
          { IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','), IDRA_ETCD_PREFIX: bed.store.prefix },
        ),
      cleanUp: ({ uid }) => bed.coordination.desired.purgeSync(uid, 'agent'),
    },
  ];

  for (const { kind, open, cleanUp } of kinds) {
    test(`${kind}: manifests are applied, listed, suspended and deleted, and requests are posted`, async () => {
      const fleet = await open();
      try {
        assert.equal((await fleet.put(shop('a'), { isDryRun: true })).action, 'created');
        assert.equal(await fleet.findDataSource(namespace, 'shop'), undefined);
        assert.equal((await fleet.put(shop('a'))).action, 'created');
        assert.equal((await fleet.put(shop('a'))).action, 'unchanged');
        assert.equal((await fleet.put(shop('b'), { isDryRun: true })).action, 'configured');
        assert.equal((await fleet.put(orders('1m'))).action, 'created');
        assert.equal((await fleet.put(orders('2m'))).action, 'configured');
        assert.deepEqual(
          (await fleet.listDataSources(undefined)).map(({ name, type, spec }) => ({ name, type, spec })),
          [{ name: 'shop', type: 'postgres', spec: shop('a').spec }],
        );

        const [sync] = await fleet.listSyncs(namespace);
        assert.equal(sync?.name, 'orders');
        assert.deepEqual(sync?.spec, orders('2m').spec);
        assert.deepEqual([sync?.generation, sync?.isSuspended], [2, false]);
        if (!sync) return;
        await fleet.suspend(sync, true);
        assert.equal((await fleet.findSync(namespace, 'orders'))?.isSuspended, true);

        const request = {
          type: 'offset',
          id: '1',
          by: 'me',
          offset: { value: '7', expect: 'none' },
        } as const;
        await fleet.post(sync, request);
        assert.deepEqual(await fleet.pending(sync), [request]);
        assert.deepEqual(await fleet.answers(sync), []);

        await fleet.deleteSync(sync);
        await cleanUp(sync);
        assert.equal(await fleet.isGone(sync), true);
        assert.deepEqual(await fleet.listSyncs(undefined), []);
        assert.equal(await fleet.deleteDataSource(namespace, 'shop'), true);
        assert.equal(await fleet.deleteDataSource(namespace, 'shop'), false);
      } finally {
        await fleet.close();
      }
    });
  }

  test('etcd: a DataSource that a Sync uses is not deleted', async () => {
    const fleet = await openEtcdFleet();
    try {
      await fleet.put(shop('a'));
      await fleet.put(orders('1m'));
      assert.equal((await fleet.findDataSource(namespace, 'shop'))?.syncs, 1);
      await assert.rejects(fleet.deleteDataSource(namespace, 'shop'), withCode('DataSourceInUse'));
    } finally {
      await fleet.close();
    }
  });

  test('custom resources: a field that another manager owns is not overwritten', async () => {
    const fleet = await openKubernetesFleet();
    try {
      await fleet.put(orders('1m'));
      const path = await bed.kubectl('-n', namespace, 'get', 'sync', 'orders', '-o', 'name');
      await bed.kubectl(
        '-n',
        namespace,
        'patch',
        path.trim(),
        '--type=merge',
        '-p',
        '{"spec":{"schedule":{"every":"5m"}}}',
      );
      await assert.rejects(fleet.put(orders('1m')), withCode('KubernetesConflict'));
    } finally {
      await fleet.close();
    }
  });

  const openKubernetesFleet = () => kinds[0]?.open() as Promise<Fleet>;
  const openEtcdFleet = () => kinds[1]?.open() as Promise<Fleet>;
});

test('a state file keeps no manifests, and its requests wait for the next run', async () => {
  const path = join(await tempFolder('fleets'), 'state.db');
  const state = openStateFile(path);
  state.identify(namespace, 'orders');
  state.close();
  const fleet = await openFleet({ kind: 'stateFile', path }, {});
  try {
    const sync = await fleet.findSync(namespace, 'orders');
    assert.ok(sync);
    assert.equal(fleet.answersAtOnce, false);
    await fleet.post(sync, { type: 'run-now', id: '1', by: 'me' });
    assert.deepEqual(
      (await fleet.pending(sync)).map(({ type }) => type),
      ['run-now'],
    );
    await assert.rejects(fleet.put(shop('a')), withCode('NotOfferedHere'));
    await assert.rejects(fleet.listDataSources(undefined), withCode('NotOfferedHere'));
    await assert.rejects(fleet.deleteSync(sync), withCode('NotOfferedHere'));
  } finally {
    await fleet.close();
  }
});
