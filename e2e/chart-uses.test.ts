import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { confirmationOfKubernetes } from '../agent/secrets/confirmation.ts';
import { secretsOfKubernetes } from '../agent/secrets/kubernetes.ts';
import { idra } from '../cli/test-cli.ts';
import { manifests } from '../connectors/catalog.ts';
import { systemClock } from '../core/clock.ts';
import { Namespaces } from '../operator/controllers/namespaces.ts';
import { dataSources, syncs } from '../operator/controllers/objects.ts';
import { EventRecorder } from '../operator/runtime/events.ts';
import { connect } from '../operator/runtime/test-cluster.ts';
import { loadClusterAccess } from '../process/kubernetes-access.ts';
import { giveRights, grantedTo, release } from './kit/chart-rights.ts';
import { OperatorBed } from './kit/operator.ts';
import { projectFolder } from './kit/processes.ts';
import { etcd, type KubernetesApi, kubernetesApi } from './kit/servers.ts';
import { TestClock } from './kit/test-clock.ts';
import { until } from './kit/wait.ts';

/** Each part runs with the rights of the chart, so it uses no others; and what it calls is compared with them, so it has no more. */
describe('the chart grants exactly what is used', () => {
  let api: KubernetesApi;
  let bed: OperatorBed;
  before(async () => {
    api = await kubernetesApi({ isAudited: true });
    bed = new OperatorBed(api, await etcd({ members: 1 }), await connect(api));
    await bed.kubectl('apply', '-f', `${projectFolder}/crds`);
    await giveRights(api);
  });
  after(async () => {
    await bed.stop();
  });

  const usesAreGranted = async (account: string, user: string) =>
    assert.deepEqual(await api.usesOf(user), await grantedTo(account));

  test('to the operator', async () => {
    const { kubeconfigPath, user } = await api.serviceAccount(release, 'idra-operator');
    const client = await connect(api, { kubeconfigPath });
    const lease = { namespace: release, name: 'idra-operator' };
    const running = bed.run({ client, lease });
    await until(() => running.operator.dataSources.hasSynced, { what: 'the lists' });
    await bed.makeNamespace('team');
    const made = await bed.makeSync('team', 'orders');
    await bed.inEtcd(made);
    await bed.shown('team', 'orders', 'to have a status', ({ status }) => status?.state);
    const shopRef = { namespace: 'team', name: 'shop' };
    const shop = () => bed.coordination.desired.getDataSource('team', 'shop');
    await until(shop, { what: 'shop in etcd' });
    // What would take longer: a repeated event, and a deletion that does not end.
    const clock = new TestClock();
    const recorder = new EventRecorder({ client, controller: 'idra.dev/operator', instance: 'test', clock });
    const event = { type: 'Warning', reason: 'InUse', action: 'Delete', note: 'it is in use' } as const;
    for (let index = 0; index < 2; index++) recorder.record(syncs, made, event);
    await recorder.flush();
    await clock.advance(61_000);
    await recorder.flush();
    await new Namespaces(client, systemClock).terminating('team', new AbortController().signal);
    await until(async () => (await api.usesOf(user)).includes('patch datasources/status.idra.dev'), {
      what: 'the status of a DataSource',
    });
    await running.stop();
    // Another one finds objects in etcd whose custom resources are gone, and reads these before it deletes anything.
    await bed.patchSync('team', 'orders', { metadata: { finalizers: null } });
    await bed.client.patch(dataSources, shopRef, { metadata: { finalizers: null } });
    await bed.kubectl('delete', 'sync/orders', 'datasource/shop', '-n', 'team');
    const other = bed.run({ client, lease });
    await until(async () => !(await bed.stored(made)) && !(await shop()), { what: 'both to be out of etcd' });
    await other.stop();
    client.close();
    await usesAreGranted('idra-operator', user);
  });

  test('to agents', async () => {
    const { kubeconfigPath, user } = await api.serviceAccount(release, 'idra-agent');
    const access = await loadClusterAccess({ env: { KUBECONFIG: kubeconfigPath } });
    await bed.kubectl('create', 'secret', 'generic', 'shop', '-n', 'team-a', '--from-literal=password=x');
    const made = await bed.makeDataSource('team-a', 'shop');
    const keys = await secretsOfKubernetes(access, { watchNamespaces: [] })('team-a', 'shop');
    assert.deepEqual([...keys.keys()], ['password']);
    const { uid, generation = 1 } = made.metadata;
    const { spec } = manifests.readDataSource({
      uid,
      namespace: 'team-a',
      name: 'shop',
      generation,
      spec: made.spec,
    });
    assert.ok(spec);
    const { confirm } = confirmationOfKubernetes(access, manifests, systemClock);
    await confirm({ uid, namespace: 'team-a', name: 'shop', generation, spec });
    await usesAreGranted('idra-agent', user);
  });

  test('to the job that makes certificates', async () => {
    const { kubeconfigPath, user } = await api.serviceAccount(release, 'idra-etcd-certs');
    const args = ['etcd', 'certificates', '--secrets', 'idra-etcd', '-n', release, '--host', 'idra-etcd'];
    for (const more of [[], ['--renew']])
      assert.equal((await idra([...args, ...more], { KUBECONFIG: kubeconfigPath })).status, 0);
    await usesAreGranted('idra-etcd-certs', user);
  });
});
