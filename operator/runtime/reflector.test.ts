import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { faultProxy } from '../../e2e/kit/proxy.ts';
import { kubernetesApi } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import { hasCode } from './api-errors.ts';
import type { KubernetesClient } from './client.ts';
import { Informer } from './informer.ts';
import type { Change } from './reflector.ts';
import {
  type ConfigMap,
  configMaps,
  connect,
  makeConfigMap,
  makeNamespace,
  TestLog,
} from './test-cluster.ts';

const api = await kubernetesApi();
const client = await connect(api);
const proxy = await faultProxy('127.0.0.1', Number(new URL(api.url).port));
const proxied = await connect(api, { port: proxy.port });
after(async () => {
  client.close();
  proxied.close();
  await proxy.stop();
  await api.stop();
});

/** A running informer, with all changes that it reported and all responses of the client. */
async function watching(namespaces: readonly string[], through: KubernetesClient = proxied) {
  const changes: string[] = [];
  const calls: string[] = [];
  const log = new TestLog();
  const spied: Pick<KubernetesClient, 'list' | 'watch'> = {
    list: (resource, options) => {
      calls.push(options?.limit === 1 ? 'probe' : 'list');
      return through.list(resource, options);
    },
    watch: async function* (resource, options) {
      calls.push('watch');
      try {
        yield* through.watch(resource, options);
      } catch (thrown) {
        if (hasCode(thrown, 'KubernetesExpired')) calls.push('expired');
        throw thrown;
      }
    },
  };
  const informer = new Informer<ConfigMap>({
    client: spied,
    resource: configMaps,
    namespaces,
    log,
    pageSize: 2,
  });
  informer.onChange(({ key, before, after }: Change<ConfigMap>) =>
    changes.push(`${key} ${verb(before, after)}`),
  );
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await informer.whenSynced(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { informer, changes, calls, log, end };
}

function verb(before: ConfigMap | undefined, after: ConfigMap | undefined): string {
  if (!before) return 'new';
  return after ? 'changed' : 'gone';
}

test('lists in pages, then watches; keeps only the fields that are read', async () => {
  await makeNamespace(client, 'follow');
  const ref = (name: string) => ({ namespace: 'follow', name });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await makeConfigMap(client, ref(name));
  const { informer, changes, calls, end } = await watching(['follow']);
  assert.deepEqual(
    changes,
    ['a', 'b', 'c', 'd', 'e'].map((name) => `follow/${name} new`),
  );
  assert.equal(calls.filter((call) => call === 'list').length, 3);
  assert.equal(informer.get('follow/a')?.metadata.managedFields, undefined);
  await client.patch(configMaps, ref('a'), { data: { value: '2' } });
  await client.delete(configMaps, ref('b'));
  await makeConfigMap(client, ref('f'));
  await until(() => changes.length === 8, { what: 'three changes' });
  assert.deepEqual(changes.slice(5), ['follow/a changed', 'follow/b gone', 'follow/f new']);
  assert.equal(informer.get('follow/a')?.data?.value, '2');
  assert.equal(informer.size, 5);
  await end();
});

test('watches several namespaces, and no others', async () => {
  for (const name of ['one', 'two', 'three']) await makeNamespace(client, name);
  const { informer, changes, end } = await watching(['one', 'two']);
  for (const namespace of ['three', 'one', 'two']) await makeConfigMap(client, { namespace, name: 'x' });
  await until(() => changes.length === 2, { what: 'two objects' });
  assert.deepEqual([...informer.keys()].sort(), ['one/x', 'two/x']);
  assert.equal(informer.get('three/x'), undefined);
  await end();
});

test('a lost connection is resumed without a new list; no event is lost or repeated', async () => {
  await makeNamespace(client, 'resume');
  const ref = (name: string) => ({ namespace: 'resume', name });
  await makeConfigMap(client, ref('a'));
  const { changes, calls, log, end } = await watching(['resume']);
  proxy.refuse();
  await client.delete(configMaps, ref('a'));
  for (const name of ['b', 'c']) await makeConfigMap(client, ref(name));
  await until(() => log.lines.includes('warn cannot watch; will retry'), {
    what: 'the loss to be noticed',
  });
  proxy.heal();
  await until(() => changes.length === 4, { what: 'three changes' });
  assert.deepEqual(changes, ['resume/a new', 'resume/a gone', 'resume/b new', 'resume/c new']);
  assert.equal(calls.filter((call) => call === 'list').length, 1);
  assert.ok(log.lines.includes('info watch restored'));
  await end();
});

test('continues after the API server was killed and restarted', async () => {
  await makeNamespace(client, 'restart');
  const ref = (name: string) => ({ namespace: 'restart', name });
  await makeConfigMap(client, ref('a'));
  const { changes, end } = await watching(['restart'], client);
  await api.process.kill('SIGKILL');
  await api.process.restart();
  await client.patch(configMaps, ref('a'), { data: { value: '2' } });
  await client.delete(configMaps, ref('a'));
  await until(() => changes.includes('restart/a gone'), {
    what: 'the deletion to be reported',
    timeoutMs: 60_000,
  });
  await end();
});

test('changes that the server no longer has (410) are found by a new list', async () => {
  await makeNamespace(client, 'forgotten');
  const ref = (name: string) => ({ namespace: 'forgotten', name });
  for (const name of ['stays', 'deleted', 'replaced', 'changed']) await makeConfigMap(client, ref(name));
  const { informer, changes, calls, end } = await watching(['forgotten']);
  const before = informer.get('forgotten/replaced')?.metadata.uid;
  changes.length = 0;
  proxy.refuse();
  await client.delete(configMaps, ref('deleted'));
  await client.delete(configMaps, ref('replaced'));
  await makeConfigMap(client, ref('replaced'));
  await makeConfigMap(client, ref('added'));
  await client.patch(configMaps, ref('changed'), { data: { value: '2' } });
  // A server that has just started has no earlier events.
  await api.process.restart();
  proxy.heal();
  await until(() => changes.length === 5, { what: 'five changes', timeoutMs: 60_000 });
  assert.ok(calls.includes('expired'), calls.join());
  const expected = ['added new', 'changed changed', 'deleted gone', 'replaced gone', 'replaced new'];
  assert.deepEqual(
    changes.toSorted(),
    expected.map((each) => `forgotten/${each}`),
  );
  assert.notEqual(informer.get('forgotten/replaced')?.metadata.uid, before);
  // The watch continues after it.
  await client.delete(configMaps, ref('stays'));
  await until(() => changes.includes('forgotten/stays gone'), { what: 'the next change' });
  await end();
});

test('a server that was restored to an earlier state is read again, although it does not have the last version yet', async () => {
  await makeNamespace(client, 'restored');
  const ref = (name: string) => ({ namespace: 'restored', name });
  for (const name of ['changed', 'deleted', 'stays']) await makeConfigMap(client, ref(name));
  const restore = await api.backUp();
  const { informer, changes, log, end } = await watching(['restored'], client);
  await client.patch(configMaps, ref('changed'), { data: { value: '2' } });
  await client.delete(configMaps, ref('deleted'));
  await makeConfigMap(client, ref('later'));
  await until(() => changes.length === 6, { what: 'three changes' });
  changes.length = 0;
  await restore();
  await until(() => changes.length === 3, { what: 'the earlier state', timeoutMs: 60_000 });
  const expected = ['restored/changed changed', 'restored/deleted new', 'restored/later gone'];
  assert.deepEqual(changes.toSorted(), expected);
  assert.equal(informer.get('restored/changed')?.data?.value, '1');
  assert.ok(log.lines.some((line) => line.startsWith('warn Kubernetes was restored')));
  await client.delete(configMaps, ref('stays'));
  await until(() => changes.includes('restored/stays gone'), { what: 'the next change' });
  await end();
});

test('without the right to list it is not synced, and reports this once', async () => {
  const nobody = await connect(api, await api.serviceAccount('default', 'nobody'));
  const log = new TestLog();
  let attempts = 0;
  const counted: Pick<KubernetesClient, 'list' | 'watch'> = {
    list: (resource, options) => {
      attempts++;
      return nobody.list(resource, options);
    },
    watch: (resource, options) => nobody.watch(resource, options),
  };
  const informer = new Informer<ConfigMap>({ client: counted, resource: configMaps, log, random: () => 0 });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await until(() => attempts >= 2, { what: 'a second attempt' });
  assert.equal(informer.hasSynced, false);
  assert.deepEqual(log.lines, ['warn cannot watch; will retry']);
  stop.abort();
  await running;
  nobody.close();
});

test('a handler that fails does not end the watch', async () => {
  await makeNamespace(client, 'clumsy');
  const { informer, changes, log, end } = await watching(['clumsy']);
  informer.onChange(() => {
    throw new TypeError('a mistake');
  });
  for (const name of ['a', 'b']) await makeConfigMap(client, { namespace: 'clumsy', name });
  await until(() => changes.length === 2, { what: 'both objects' });
  await until(() => log.lines.filter((line) => line === 'error a change handler failed').length === 2, {
    what: 'both errors',
  });
  await end();
});
