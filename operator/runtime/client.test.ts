import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { IdraError, Stopped } from '../../core/errors.ts';
import { faultProxy } from '../../e2e/kit/proxy.ts';
import { kubernetesApi } from '../../e2e/kit/servers.ts';
import { removeFolder, tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';
import { loadClusterAccess } from '../../process/kubernetes-access.ts';
import type { ApiErrorCode } from './api-errors.ts';
import { KubernetesClient, type WatchEvent } from './client.ts';
import { type ConfigMap, configMaps, connect, makeConfigMap, makeNamespace } from './test-cluster.ts';

const api = await kubernetesApi();
const client = await connect(api);
const proxy = await faultProxy('127.0.0.1', Number(new URL(api.url).port));
const folder = await tempFolder('client');
after(async () => {
  client.close();
  await proxy.stop();
  await api.stop();
  await removeFolder(folder);
});

const fails = (code: ApiErrorCode, disposition: string) => (thrown: unknown) =>
  thrown instanceof IdraError && thrown.code === code && thrown.disposition === disposition;

test('create, get, patch, apply and delete', async () => {
  const ref = { namespace: 'default', name: 'one' };
  const made = await makeConfigMap(client, ref);
  assert.equal((await client.get<ConfigMap>(configMaps, ref)).metadata.uid, made.metadata.uid);
  await assert.rejects(makeConfigMap(client, ref), fails('KubernetesAlreadyExists', 'permanent'));
  const patched = await client.patch<ConfigMap>(configMaps, ref, { data: { value: null, other: '2' } });
  assert.deepEqual(patched.data, { other: '2' });
  const applied = await client.apply<ConfigMap>(
    configMaps,
    { metadata: ref, data: { third: '3' } },
    { isForced: true },
  );
  assert.deepEqual(applied.data, { other: '2', third: '3' });
  await assert.rejects(
    client.delete(configMaps, { ...ref, uid: 'of-another' }),
    fails('KubernetesConflict', 'transient'),
  );
  await client.delete(configMaps, { ...ref, uid: made.metadata.uid });
  await assert.rejects(client.get(configMaps, ref), fails('KubernetesNotFound', 'permanent'));
});

test('of two patches with one resourceVersion the second is refused', async () => {
  const ref = { namespace: 'default', name: 'contested' };
  const { resourceVersion } = (await makeConfigMap(client, ref)).metadata;
  const write = (value: string) =>
    client.patch<ConfigMap>(configMaps, ref, { metadata: { resourceVersion }, data: { value } });
  const results = await Promise.allSettled([write('a'), write('b')]);
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 1);
  assert.ok(fails('KubernetesConflict', 'transient')(refused[0]?.reason));
});

test('a list is read in pages of one resourceVersion', async () => {
  await makeNamespace(client, 'paged');
  for (let index = 0; index < 5; index++)
    await makeConfigMap(client, { namespace: 'paged', name: `c${index}` });
  const names: string[] = [];
  let page = await client.list<ConfigMap>(configMaps, { namespace: 'paged', limit: 2 });
  const { resourceVersion } = page;
  for (;;) {
    names.push(...page.items.map((item) => item.metadata.name));
    if (page.continue === undefined) break;
    page = await client.list<ConfigMap>(configMaps, {
      namespace: 'paged',
      limit: 2,
      continue: page.continue,
    });
    assert.equal(page.resourceVersion, resourceVersion);
  }
  assert.deepEqual(names, ['c0', 'c1', 'c2', 'c3', 'c4']);
});

test('a watch reports changes after a version and bookmarks, and ends without an error', async () => {
  await makeNamespace(client, 'watched');
  const { resourceVersion } = await client.list(configMaps, { namespace: 'watched' });
  const ref = { namespace: 'watched', name: 'one' };
  await makeConfigMap(client, ref, 'x'.repeat(300_000));
  await client.patch(configMaps, ref, { data: { value: 'ä€😀' } });
  await client.delete(configMaps, ref);
  const seen: WatchEvent<ConfigMap>[] = [];
  const options = { namespace: 'watched', resourceVersion, serverTimeoutMs: 3_000, inactivityMs: 30_000 };
  for await (const event of client.watch<ConfigMap>(configMaps, options)) seen.push(event);
  assert.deepEqual(seen.map(({ type }) => type).slice(0, 3), ['ADDED', 'MODIFIED', 'DELETED']);
  assert.ok(seen[1]?.type === 'MODIFIED' && seen[1].object.data?.value === 'ä€😀');
});

test('errors for a refused manifest and a missing right have a remedy', async () => {
  const bad = { metadata: { namespace: 'default', name: 'Not_A_Name' } };
  await assert.rejects(client.create(configMaps, bad), fails('KubernetesInvalid', 'permanent'));
  const nobody = await connect(api, await api.serviceAccount('default', 'nobody'));
  await assert.rejects(nobody.list(configMaps), (thrown) => {
    assert.ok(fails('KubernetesForbidden', 'permanent')(thrown));
    assert.match((thrown as IdraError).fix ?? '', /Role/);
    return true;
  });
  nobody.close();
});

test('hundreds of requests share few connections, and a watch uses none of them', async () => {
  const before = proxy.accepted;
  const many = await connect(api, { port: proxy.port, maxConcurrentRequests: 4 });
  const stop = new AbortController();
  const { resourceVersion } = await many.list(configMaps, { namespace: 'default' });
  const watching = (async () => {
    const options = { resourceVersion, serverTimeoutMs: 60_000, inactivityMs: 60_000, signal: stop.signal };
    for await (const event of many.watch(configMaps, options)) assert.ok(event);
  })();
  await Promise.all(
    Array.from({ length: 300 }, () => many.list(configMaps, { namespace: 'default', limit: 1 })),
  );
  assert.ok(proxy.accepted - before <= 5, `${proxy.accepted - before} connections`);
  const reason = new Stopped('shutdown');
  stop.abort(reason);
  await assert.rejects(watching, (thrown) => thrown === reason);
  many.close();
});

test('a server that does not answer is a timeout, a missing one is unreachable, an abort has its reason', async () => {
  const cut = await connect(api, { port: proxy.port });
  proxy.pause();
  await assert.rejects(cut.list(configMaps, { timeoutMs: 200 }), fails('KubernetesTimeout', 'transient'));
  const stop = new AbortController();
  const listing = cut.list(configMaps, { signal: stop.signal });
  const reason = new Stopped('drain');
  stop.abort(reason);
  await assert.rejects(listing, (thrown) => thrown === reason);
  proxy.refuse();
  await assert.rejects(cut.list(configMaps), fails('KubernetesUnreachable', 'transient'));
  proxy.heal();
  cut.close();
});

test('a silent watch is abandoned', async () => {
  const cut = await connect(api, { port: proxy.port });
  const { resourceVersion } = await cut.list(configMaps);
  await assert.rejects(
    async () => {
      const options = { resourceVersion, serverTimeoutMs: 60_000, inactivityMs: 300 };
      for await (const event of cut.watch(configMaps, options)) assert.ok(event);
    },
    fails('KubernetesUnreachable', 'transient'),
  );
  cut.close();
});

test('in a pod: the service account, whose token is reread when it is refused', async () => {
  const account = await api.serviceAccount('default', 'pod');
  for (const grant of [
    ['create', 'role', 'pod', '--verb=list', '--resource=configmaps'],
    ['create', 'rolebinding', 'pod', '--role=pod', '--serviceaccount=default:pod'],
  ]) {
    assert.equal((await api.kubectl(grant)).code, 0);
  }
  const mount = join(folder, 'serviceaccount');
  await mkdir(mount);
  await writeFile(join(mount, 'namespace'), 'default');
  await writeFile(join(mount, 'token'), 'one-that-has-run-out');
  await copyFile(join(api.process.folder, 'certificates/apiserver.crt'), join(mount, 'ca.crt'));
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(api.url).port };
  const access = await loadClusterAccess({ env, serviceAccountFolder: mount });
  assert.equal(access.namespace, 'default');
  const pod = new KubernetesClient(access, { fieldManager: 'test' });
  await assert.rejects(
    pod.list(configMaps, { namespace: 'default' }),
    fails('KubernetesUnauthorized', 'permanent'),
  );
  await writeFile(join(mount, 'token'), `${account.token}\n`);
  const canList = async () => (await pod.list(configMaps, { namespace: 'default' })).items.length > 0;
  await until(canList, { what: 'the role to be in force' });
  pod.close();
});

test('a kubeconfig with a tokenFile, and a server whose certificate is not trusted', async () => {
  const { kubeconfigPath, token } = await api.serviceAccount('default', 'pod');
  const config = JSON.parse(await readFile(kubeconfigPath, 'utf8'));
  config.users[0].user = { tokenFile: 'token' };
  await writeFile(join(folder, 'token'), token);
  await writeFile(join(folder, 'with-file'), JSON.stringify(config));
  const byFile = await connect(api, { kubeconfigPath: join(folder, 'with-file') });
  assert.ok((await byFile.list(configMaps, { namespace: 'default' })).items.length > 0);
  byFile.close();

  delete config.clusters[0].cluster['certificate-authority-data'];
  await writeFile(join(folder, 'no-authority'), JSON.stringify(config));
  const untrusting = await connect(api, { kubeconfigPath: join(folder, 'no-authority') });
  await assert.rejects(untrusting.list(configMaps), fails('KubernetesUnreachable', 'permanent'));
  untrusting.close();
});

test('without a cluster the error says what to set', async () => {
  await assert.rejects(loadClusterAccess({ env: { HOME: folder } }), /no Kubernetes cluster is configured/);
});
