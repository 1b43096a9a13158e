import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { DataSourceReport } from '../coordination/contract.ts';
import { conditionOf, OperatorBed, type TestAgent } from '../e2e/kit/operator.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { until } from '../e2e/kit/wait.ts';
import { type DataSourceObject, dataSources } from './controllers/objects.ts';

describe('a DataSource on Kubernetes', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  const stray = {
    uid: 'stray',
    namespace: 'default',
    generation: 1,
    createdAt: '2026-01-01T00:00:00Z',
    spec: {},
  };
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    await bed.coordination.desired.putSync({ ...stray, name: 'orders' });
    await bed.coordination.desired.putDataSource({ ...stray, name: 'shop' });
    bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  const shown = async (namespace: string, name: string, ready: string) =>
    await until(
      async () => {
        const object = await bed.client.get<DataSourceObject>(dataSources, { namespace, name });
        return conditionOf(object, 'Ready') === ready && object;
      },
      { what: `${name} to be Ready ${ready}` },
    );
  const report = (namespace: string, more: Partial<DataSourceReport>): DataSourceReport => ({
    namespace,
    name: 'shop',
    generation: 1,
    isReachable: true,
    message: 'reached',
    checkedAt: '2026-11-24T08:00:00.000Z',
    agent: agent.session.agent.name,
    ...more,
  });

  test('a DataSource in etcd without a custom resource is deleted', async () => {
    const { desired } = bed.coordination;
    await until(async () => (await desired.getSync('stray')) === undefined, { what: 'the sync to be gone' });
    await until(async () => (await desired.getDataSource('default', 'shop')) === undefined, {
      what: 'the data source to be gone',
    });
  });

  test('is Ready when an agent has reached it, with its version and the Syncs that use it', async () => {
    await bed.makeNamespace('ready');
    await bed.makeSync('ready', 'orders');
    await bed.makeSync('ready', 'items', { source: { dataSource: 'shop', table: 'items', idField: 'id' } });
    const unknown = await shown('ready', 'shop', 'Unknown NotChecked');
    assert.equal(unknown.status?.type, 'postgres');
    const stored = await until(() => bed.coordination.desired.getDataSource('ready', 'shop'), {
      what: 'it in etcd',
    });
    assert.deepEqual((stored.spec as { postgres: { port: number } }).postgres.port, 5432);
    const waiting = bed.kubectl(
      'wait',
      '-n',
      'ready',
      'datasource/shop',
      '--for=condition=Ready',
      '--timeout=20s',
    );
    await bed.coordination.reports.putDataSource(report('ready', { serverVersion: 'PostgreSQL 15.18' }));
    assert.match(await waiting, /condition met/);
    const { status } = await until(
      async () => {
        const object = await shown('ready', 'shop', 'True Reachable');
        return object.status?.syncs === 2 && object;
      },
      { what: 'two syncs that use it' },
    );
    assert.equal(status?.serverVersion, 'PostgreSQL 15.18');
    assert.equal(status?.lastCheckTime, '2026-11-24T08:00:00.000Z');
    assert.match(
      await bed.kubectl('get', 'datasources', '-n', 'ready'),
      /shop +postgres +True +PostgreSQL 15\.18 +2 /,
    );
  });

  test('a report about an earlier DataSource of the same name does not apply', async () => {
    await bed.makeNamespace('again');
    const { metadata } = await shown('again', 'shop', 'Unknown NotChecked');
    const { reports } = bed.coordination;
    // A check that was under way when the earlier one was deleted ends now.
    await reports.putDataSource(report('again', { uid: 'earlier' }));
    await reports.putDataSource(report('again', { name: 'warehouse' }));
    await shown('again', 'warehouse', 'True Reachable');
    await shown('again', 'shop', 'Unknown NotChecked');
    await reports.putDataSource(report('again', { uid: metadata.uid }));
    await shown('again', 'shop', 'True Reachable');
  });

  test('is not Ready with the reason if an agent cannot reach it; a check with the same result is not written', async () => {
    await bed.makeNamespace('unreachable');
    const bad = {
      isReachable: false,
      code: 'AuthenticationFailed',
      message: 'the password of user idra is refused',
    };
    await bed.coordination.reports.putDataSource(report('unreachable', bad));
    const object = await shown('unreachable', 'shop', 'False AuthenticationFailed');
    assert.equal(conditionOf(object, 'Reconciling'), 'True AuthenticationFailed');
    await bed.hasEvent(
      'unreachable',
      'shop',
      /^Warning AuthenticationFailed: the password of user idra is refused/,
    );
    await bed.coordination.reports.putDataSource(
      report('unreachable', { ...bad, checkedAt: '2026-11-24T08:01:00.000Z' }),
    );
    await bed.coordination.reports.putDataSource(report('unreachable', { name: 'warehouse' }));
    await shown('unreachable', 'warehouse', 'True Reachable');
    const after = await shown('unreachable', 'shop', 'False AuthenticationFailed');
    assert.equal(after.metadata.resourceVersion, object.metadata.resourceVersion);
    await bed.coordination.reports.putDataSource(
      report('unreachable', { checkedAt: '2026-11-24T08:02:00.000Z' }),
    );
    await shown('unreachable', 'shop', 'True Reachable');
  });

  test('when deleted, it is kept until no Sync uses it, and reports which Sync it waits for', async () => {
    await bed.makeNamespace('used');
    const sync = await bed.makeSync('used', 'orders');
    await bed.inEtcd(sync);
    await agent.report(sync.metadata.uid, { state: 'Running', fencingToken: '0.7' });
    await bed.shown('used', 'orders', 'to run', ({ status }) => status?.state === 'Running');
    await bed.untilFinalized('used', 'shop');
    await bed.kubectl('delete', 'datasource', 'shop', '-n', 'used', '--wait=false');
    await bed.hasEvent('used', 'shop', /^Warning InUse: .*used\/orders/);
    const isThere = async () =>
      (await bed.kubectl('get', 'datasource', 'shop', '-n', 'used', '--ignore-not-found', '-o', 'name')) !==
      '';
    assert.equal(await isThere(), true);
    await bed.kubectl('delete', 'sync', 'orders', '-n', 'used', '--wait=false');
    await until(async () => (await bed.stored(sync))?.deletedAt, { what: 'the deletion of the Sync' });
    assert.equal(await isThere(), true);
    await agent.purge(sync.metadata.uid);
    await until(async () => !(await isThere()), { what: 'the DataSource to be gone' });
    assert.equal(await bed.coordination.desired.getDataSource('used', 'shop'), undefined);
  });

  test('is invalid if only an older schema accepted it, and so are the Syncs that use it', async () => {
    await bed.makeNamespace('older');
    const sync = await bed.makeSync('older', 'orders');
    await bed.inEtcd(sync);
    await agent.report(sync.metadata.uid, { state: 'Running', hasCaughtUp: true });
    await shown('older', 'shop', 'Unknown NotChecked');
    const path = `${projectFolder}/crds/idra.dev_datasources.yaml`;
    await bed.api.apply(withoutRules(await readFile(path, 'utf8')));
    const invalid = { spec: { postgres: null, sqlite: { path: '/data/shop.db' } } };
    await until(() => bed.client.patch(dataSources, { namespace: 'older', name: 'shop' }, invalid), {
      what: 'the older schema to be in force',
    });
    const object = await shown('older', 'shop', 'False InvalidSpec');
    assert.equal(conditionOf(object, 'Stalled'), 'True InvalidSpec');
    const stopped = await bed.shown('older', 'orders', 'to report it', ({ status }) =>
      /is not valid/.test(status?.message ?? ''),
    );
    assert.match(stopped.status?.message ?? '', /DataSource older\/shop is not valid: .*placement/);
    await until(async () => (await bed.coordination.desired.getDataSource('older', 'shop')) === undefined, {
      what: 'it to be out of etcd',
    });
  });
});

/** The custom resource as it may have been before its rules existed. */
function withoutRules(yaml: string): string {
  return stringify(
    parse(yaml, (key, value: unknown) => (key === 'x-kubernetes-validations' ? undefined : value)),
  );
}
