import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manifests } from '../connectors/catalog.ts';
import { openStateFile } from '../coordination/single/state-file.ts';
import { IdraError } from '../core/errors.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import { Secret } from '../core/secret.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { makeNamespace } from '../operator/runtime/test-cluster.ts';
import type { Fleet, FleetManifest } from './contract.ts';
import { FieldsOwned } from './field-owners.ts';
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

  test('custom resources: fields of Helm or Git are not overwritten, and stay theirs alone', async () => {
    const fleet = await openKubernetesFleet();
    const written = (spec: unknown) =>
      JSON.stringify({
        apiVersion: 'idra.dev/v1alpha1',
        kind: 'Sync',
        metadata: { name: 'charted', namespace },
        spec,
      });
    const charted = (every: string, more: object = {}) => ({
      ...manifest('Sync', 'charted', {
        source: { dataSource: 'shop', table: 'orders', idField: 'id' },
        destination: { dataSource: 'shop', table: 'copy' },
        mode: 'Id',
        schedule: { every },
        ...more,
      }),
    });
    const ownersOf = async (path: string) =>
      (await fleet.fieldOwners('Sync', namespace, 'charted'))
        .filter((each) => each.path === path)
        .map(({ manager }) => manager);
    try {
      const helm = ['apply', '--server-side', '--field-manager=helm', '-f', '-'];
      const spec = {
        source: { dataSource: 'shop', table: 'orders', idField: 'id' },
        destination: { dataSource: 'shop', table: 'copy' },
        mode: 'Id',
        schedule: { every: '1m' },
      };
      await bed.api.kubectl(helm, { input: written(spec) });
      await assert.rejects(
        fleet.put(charted('2m'), { takesOwnership: true }),
        (thrown) =>
          thrown instanceof FieldsOwned &&
          thrown.code === 'FieldOwnedElsewhere' &&
          thrown.conflicts.every(({ path, manager }) => path === 'spec.schedule.every' && manager === 'helm'),
      );
      assert.equal((await fleet.put(charted('1m', { safetyLag: '7s' }))).action, 'configured');
      assert.deepEqual(await ownersOf('spec.safetyLag'), ['idra']);
      assert.deepEqual(await ownersOf('spec.schedule.every'), ['helm'], 'what is the same is not taken');
      const upgrade = await bed.api.kubectl(helm, { input: written({ ...spec, schedule: { every: '3m' } }) });
      assert.equal(upgrade.code, 0, upgrade.stderr);
      assert.equal((await fleet.put(charted('3m'))).action, 'configured', 'a field of ours is removed');
      assert.deepEqual(await ownersOf('spec.safetyLag'), []);

      await bed.kubectl(
        '-n',
        namespace,
        'patch',
        'sync',
        'charted',
        '--type=merge',
        '-p',
        '{"spec":{"safetyLag":"5s"}}',
      );
      assert.equal(
        (await fleet.put(charted('3m'))).action,
        'configured',
        'set by hand, so it may be removed',
      );
      const stored = (await fleet.findSync(namespace, 'charted'))?.spec as { safetyLag?: string };
      assert.equal(stored.safetyLag, undefined);
    } finally {
      await fleet.close();
    }
  });

  test('custom resources: what kubectl applied from a file is changed only if asked', async () => {
    const fleet = await openKubernetesFleet();
    try {
      const { spec } = orders('1m');
      const text = JSON.stringify({
        apiVersion: 'idra.dev/v1alpha1',
        kind: 'Sync',
        metadata: { name: 'filed', namespace },
        spec,
      });
      await bed.api.kubectl(['apply', '-f', '-'], { input: text });
      const changed = { ...orders('2m'), name: 'filed' };
      await assert.rejects(fleet.put(changed), withCode('FieldOwnedElsewhere'));
      assert.equal((await fleet.put(changed, { takesOwnership: true })).action, 'configured');
    } finally {
      await fleet.close();
    }
  });

  for (const { kind, open } of kinds) {
    test(`${kind}: a put of an outdated version is refused, also while the status changes; labels are kept`, async () => {
      const fleet = await open();
      const named = (every: string) => ({ ...orders(every), name: 'versioned' });
      try {
        assert.equal((await fleet.put(named('1m'), { ifVersion: '' })).action, 'created');
        await assert.rejects(fleet.put(named('2m'), { ifVersion: '' }), withCode('VersionChanged'));
        const read = async () => {
          const found = await fleet.findSync(namespace, 'versioned');
          assert.ok(found);
          return found;
        };
        const first = await read();
        await fleet.label(first, { team: 'a', tier: 'gold' });
        const labelled = await read();
        assert.notEqual(labelled.version, first.version);
        await fleet.put(named('2m'), { ifVersion: labelled.version });
        await assert.rejects(
          fleet.put(named('3m'), { ifVersion: labelled.version }),
          withCode('VersionChanged'),
        );
        await fleet.label(await read(), { tier: null });
        assert.deepEqual((await read()).labels, { team: 'a' });
        await fleet.put({ ...named('2m'), labels: { team: 'b', fresh: 'x' } });
        assert.deepEqual((await read()).labels, { team: 'b', fresh: 'x' });
        await fleet.label(await read(), { more: 'y' });
        await fleet.put({ ...named('4m'), labels: { fresh: 'z' } });
        const { labels, spec } = await read();
        assert.deepEqual(labels, { fresh: 'z' }, 'what is left out is deleted, whoever has set it');
        assert.equal((spec as { schedule: { every: string } }).schedule.every, '4m');
        await fleet.put({ ...named('4m'), labels: {} });
        assert.deepEqual((await read()).labels ?? {}, {});
      } finally {
        await fleet.close();
      }
    });
  }

  test('custom resources: a Secret is made and changed, and one of somebody else is left alone', async () => {
    const fleet = await openKubernetesFleet();
    const secret = (name: string, key: string, value: string) => ({
      namespace,
      name,
      values: new Map([[key, new Secret(value)]]),
    });
    const read = async (name: string) =>
      JSON.parse(
        await bed.kubectl('-n', namespace, 'get', 'secret', name, '-o', 'jsonpath={.data}'),
      ) as object;
    try {
      await fleet.putSecret(secret('made', 'password', 'one'));
      await fleet.putSecret(secret('made', 'ca.crt', 'two'));
      assert.deepEqual(await read('made'), { password: 'b25l', 'ca.crt': 'dHdv' });
      await bed.kubectl('-n', namespace, 'create', 'secret', 'generic', 'other', '--from-literal=password=x');
      await assert.rejects(fleet.putSecret(secret('other', 'password', 'y')), withCode('SecretNotOurs'));
      assert.deepEqual(await read('other'), { password: 'eA==' });
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
