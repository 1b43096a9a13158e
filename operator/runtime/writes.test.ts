import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { kubernetesApi } from '../../e2e/kit/servers.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { until } from '../../e2e/kit/wait.ts';
import { hasCode } from './api-errors.ts';
import { type Condition, kstatusConditions, setConditions } from './conditions.ts';
import { EventRecorder } from './events.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import type { KubernetesObject, Resource } from './objects.ts';
import { configMaps, connect, makeConfigMap } from './test-cluster.ts';

const widgets: Resource = { group: 'test.example.com', version: 'v1', plural: 'widgets', kind: 'Widget' };
interface Widget extends KubernetesObject {
  readonly spec?: { readonly size: number };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly note?: string };
}

const api = await kubernetesApi();
const client = await connect(api);
after(async () => {
  client.close();
  await api.stop();
});

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
await api.apply(
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.test.example.com' },
    spec: {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } },
        },
      ],
    },
  }),
);
await until(() => client.list(widgets), { what: 'widgets to be served' });

const object = (name: string) => ({ namespace: 'default', name });

test('a finalizer keeps a deleted object until it is removed; other finalizers stay', async () => {
  const ref = object('held');
  const made = await client.create<Widget>(widgets, {
    metadata: { ...ref, finalizers: ['example.com/other'] },
    spec: { size: 1 },
  });
  const held = await addFinalizer(client, widgets, made, 'idra.dev/cleanup');
  assert.deepEqual(held.metadata.finalizers, ['example.com/other', 'idra.dev/cleanup']);
  assert.equal(await addFinalizer(client, widgets, held, 'idra.dev/cleanup'), held);
  await client.delete(widgets, ref);
  const dying = await client.get<Widget>(widgets, ref);
  assert.ok(dying.metadata.deletionTimestamp);
  // Another writer in between: the known list is outdated.
  await assert.rejects(removeFinalizer(client, widgets, held, 'idra.dev/cleanup'), (thrown) =>
    hasCode(thrown, 'KubernetesConflict'),
  );
  await removeFinalizer(client, widgets, dying, 'idra.dev/cleanup');
  const last = await client.get<Widget>(widgets, ref);
  assert.deepEqual(last.metadata.finalizers, ['example.com/other']);
  await removeFinalizer(client, widgets, last, 'example.com/other');
  await assert.rejects(client.get(widgets, ref), (thrown) => hasCode(thrown, 'KubernetesNotFound'));
  await removeFinalizer(client, widgets, last, 'example.com/other');
});

test('status is written separately from spec, and kubectl wait understands its conditions', async () => {
  const ref = object('waited-for');
  const made = await client.create<Widget>(widgets, { metadata: ref, spec: { size: 1 } });
  const generation = made.metadata.generation ?? 0;
  const verdicts = kstatusConditions({
    ready: { status: 'True', reason: 'CaughtUp', message: 'all is there' },
  });
  const conditions = setConditions([], verdicts, { generation, nowMs: Date.now() });
  const { resourceVersion } = made.metadata;
  const written = await client.patchStatus<Widget>(
    widgets,
    { ...ref, resourceVersion },
    { conditions, note: 'x' },
  );
  assert.equal(written.metadata.generation, generation);
  assert.deepEqual(written.status?.conditions, conditions);
  await assert.rejects(client.patchStatus(widgets, { ...ref, resourceVersion }, { note: 'y' }), (thrown) =>
    hasCode(thrown, 'KubernetesConflict'),
  );
  const waited = await api.kubectl(['wait', '--for=condition=Ready', '--timeout=5s', 'widget/waited-for']);
  assert.equal(waited.code, 0, waited.stderr);
});

test('an event is displayed by kubectl describe, with the count of repetitions', async () => {
  const clock = new TestClock();
  const dropped: string[] = [];
  const options = {
    controller: 'idra.dev/operator',
    instance: 'test-0',
    clock,
    onDropped: (cause: string) => void dropped.push(cause),
  };
  const recorder = new EventRecorder({ client, ...options });
  const widget = await client.create<Widget>(widgets, { metadata: object('told') });
  const objectEvent = {
    type: 'Warning',
    reason: 'TableNotFound',
    action: 'Reconcile',
    note: 'table "x" is missing',
  } as const;
  recorder.record(widgets, widget, objectEvent);
  recorder.record(widgets, widget, objectEvent);
  await clock.advance(61_000);
  recorder.record(widgets, widget, objectEvent);
  recorder.record(widgets, widget, { ...objectEvent, note: 'n'.repeat(5_000) });
  await clock.advance(61_000);
  await recorder.flush();
  assert.deepEqual(dropped, []);
  const { stdout } = await api.kubectl([
    'get',
    'events',
    '--field-selector=involvedObject.name=told',
    '-o',
    'json',
  ]);
  const found = (JSON.parse(stdout) as { items: { message: string; series?: { count: number } }[] }).items;
  assert.equal(found.length, 2);
  assert.equal(found.find((each) => each.message === 'table "x" is missing')?.series?.count, 3);
  const described = await api.kubectl(['describe', 'widget', 'told']);
  assert.match(described.stdout, /Warning\s+TableNotFound.*table "x" is missing/);
});

test('an object with too many events is limited, and events of others are written', async () => {
  const clock = new TestClock();
  const dropped: string[] = [];
  const recorder = new EventRecorder({
    client,
    controller: 'idra.dev/operator',
    instance: 'test-0',
    clock,
    onDropped: (cause) => void dropped.push(cause),
  });
  const [loud, quiet] = [
    await makeConfigMap(client, object('loud')),
    await makeConfigMap(client, object('quiet')),
  ];
  const say = (note: string) => ({ type: 'Normal', reason: 'Said', action: 'Say', note }) as const;
  for (let index = 0; index < 50; index++) recorder.record(configMaps, loud, say(`${index}`));
  recorder.record(configMaps, quiet, say('hello'));
  await recorder.flush();
  assert.deepEqual(
    dropped,
    Array.from({ length: 30 }, () => 'RateLimited'),
  );
  const { stdout } = await api.kubectl(['get', 'events', '--field-selector=reason=Said', '-o', 'name']);
  assert.equal(stdout.trim().split('\n').length, 21);
});

test('events that cannot be written block nothing, and are written later', async () => {
  const nobody = await connect(api, await api.serviceAccount('default', 'nobody'));
  const dropped: string[] = [];
  let isAllowed = false;
  const through = {
    create: (...args: Parameters<typeof client.create>) => (isAllowed ? client : nobody).create(...args),
    patch: (...args: Parameters<typeof client.patch>) => (isAllowed ? client : nobody).patch(...args),
  } as Pick<typeof client, 'create' | 'patch'>;
  const recorder = new EventRecorder({
    client: through,
    controller: 'idra.dev/operator',
    instance: 'test-0',
    onDropped: (cause) => void dropped.push(cause),
  });
  const objectEvent = { type: 'Normal', reason: 'Retold', action: 'Say', note: 'hello' } as const;
  const widget = await client.create<Widget>(widgets, { metadata: object('unheard') });
  recorder.record(widgets, widget, objectEvent);
  await recorder.flush();
  assert.deepEqual(dropped, ['KubernetesForbidden']);
  isAllowed = true;
  recorder.record(widgets, widget, objectEvent);
  await recorder.flush();
  const { stdout } = await api.kubectl(['get', 'events', '--field-selector=reason=Retold', '-o', 'name']);
  assert.equal(stdout.trim().split('\n').length, 1);
  assert.notEqual(stdout.trim(), '');
  nobody.close();
});
