import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from '../connectors/catalog.ts';
import { connectCoordination } from '../coordination/connect.ts';
import { EtcdClient } from '../coordination/etcd/client.ts';
import { Keys } from '../coordination/keys.ts';
import { agentOf } from '../coordination/test-etcd.ts';
import { statusOf } from '../coordination/test-objects.ts';
import { permanent } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { dataSources, type SyncObject, syncs } from './controllers/objects.ts';
import { Operator } from './operator.ts';
import { type KubernetesObject, keyOf, type ObjectRef, type Resource } from './runtime/objects.ts';

const count = 1_000;

/** The part of an API server that the operator needs, in memory, so that a thousand objects take no time. */
class MemoryApi {
  readonly objects = new Map<string, KubernetesObject>();
  /** By name: the result of a write to the object. */
  readonly faults = new Map<string, (signal: AbortSignal | undefined) => Promise<void>>();
  readonly #watchers = new Map<string, ((event: unknown) => void)[]>();
  #version = 1;

  put(resource: Resource, object: object & { metadata: ObjectRef }): KubernetesObject {
    const key = `${resource.plural} ${keyOf(object.metadata)}`;
    const metadata = {
      uid: `uid-${object.metadata.name}`,
      generation: 1,
      ...object.metadata,
      resourceVersion: String(++this.#version),
    };
    const type = this.objects.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata } as KubernetesObject;
    this.objects.set(key, stored);
    for (const tell of this.#watchers.get(resource.plural) ?? []) tell({ type, object: stored });
    return stored;
  }

  async list(resource: Resource) {
    const items = [...this.objects]
      .filter(([key]) => key.startsWith(`${resource.plural} `))
      .map(([, each]) => each);
    return { items, resourceVersion: String(this.#version), continue: undefined };
  }

  async *watch(resource: Resource, { signal }: { signal?: AbortSignal }) {
    const waiting: unknown[] = [];
    let wake = () => {};
    const tell = (event: unknown) => {
      waiting.push(event);
      wake();
    };
    this.#watchers.set(resource.plural, [...(this.#watchers.get(resource.plural) ?? []), tell]);
    signal?.addEventListener('abort', () => wake());
    while (!signal?.aborted) {
      yield* waiting.splice(0);
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || signal?.aborted) resolve();
      });
    }
  }

  async get(resource: Resource, ref: ObjectRef) {
    const object = this.objects.get(`${resource.plural} ${keyOf(ref)}`);
    if (!object) throw permanent('KubernetesNotFound', 'not found');
    return object;
  }

  async create(resource: Resource, object: object & { metadata: ObjectRef }) {
    return this.put(resource, object);
  }

  async patch(
    resource: Resource,
    ref: ObjectRef,
    patch: object,
    options?: { signal?: AbortSignal | undefined },
  ) {
    await this.faults.get(ref.name)?.(options?.signal);
    return this.put(resource, merged(await this.get(resource, ref), patch) as KubernetesObject);
  }
}

function merged(from: object, patch: object): object {
  const all: Record<string, unknown> = { ...from };
  for (const [name, value] of Object.entries(patch)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (value === null) delete all[name];
    else all[name] = isObject ? merged((all[name] ?? {}) as object, value as object) : value;
  }
  return all;
}

const spec = {
  source: { dataSource: 'shop', table: 'orders', idField: 'id' },
  destination: { dataSource: 'shop', table: 'copy' },
  mode: 'Id',
};

test('a thousand Syncs, including one that hangs, one that is refused and one that cannot be read', async () => {
  const server = await etcd({ members: 1 });
  const config = { endpoints: server.endpoints, prefix: server.prefix };
  const coordination = connectCoordination(config);
  const session = await coordination.join(agentOf('idra-agent-0'), { leaseTtlMs: 10_000 });
  const api = new MemoryApi();
  const bad = ['hangs', 'refused', 'unreadable'];
  const good = Array.from({ length: count }, (_, index) => `good-${index}`);
  api.put(dataSources, {
    metadata: { namespace: 'n', name: 'shop' },
    spec: { postgres: { host: 'db', database: 'd', user: 'u' } },
  } as never);
  for (const name of [...bad, ...good]) {
    const schedule = name === 'unreadable' ? { cron: 'never' } : { every: '10s' };
    api.put(syncs, { metadata: { namespace: 'n', name }, spec: { ...spec, schedule } } as never);
  }
  const hang = (signal: AbortSignal | undefined) =>
    new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  api.faults.set('hangs', hang);
  api.faults.set('refused', async () => {
    throw permanent('KubernetesInvalid', 'the object is refused');
  });
  const operator = new Operator({
    client: api as never,
    coordination,
    manifests,
    namespaces: [],
    name: 'test',
    installation: 'n/idra',
    lease: { namespace: 'n', name: 'idra-operator' },
    log: silentLog,
  });
  const stop = new AbortController();
  const running = operator.run(stop.signal);
  try {
    const inEtcd = async () => (await coordination.desired.read()).syncs.length === count;
    await until(inEtcd, { what: 'the good ones in etcd', everyMs: 100 });

    const client = new EtcdClient(config);
    const keys = new Keys(config.prefix);
    const uidOf = (name: string) => `uid-${name}`;
    for (let start = 0; start < count; start += 100) {
      const success = good.slice(start, start + 100).map((name) => {
        const value = JSON.stringify(statusOf(uidOf(name), 'Running', 7));
        return { kind: 'put', key: keys.status(uidOf(name)), value } as const;
      });
      await client.txn({ compare: [], success });
    }
    client.close();
    const stateOf = (name: string) => (api.objects.get(`syncs n/${name}`) as SyncObject).status?.state;
    await until(() => good.every((name) => stateOf(name) === 'Running'), {
      what: 'the statuses of the good ones',
      everyMs: 100,
    });
    await until(() => stateOf('unreadable') === 'Failed', { what: 'the unreadable one to be Failed' });
    assert.equal(stateOf('hangs'), undefined);
    assert.equal(stateOf('refused'), undefined);

    // The fix is noticed without further events.
    api.faults.clear();
    api.put(
      syncs,
      merged(api.objects.get('syncs n/refused') as object, { metadata: { generation: 2 } }) as never,
    );
    await until(() => coordination.desired.getSync(uidOf('refused')), { what: 'the fixed one in etcd' });
  } finally {
    stop.abort();
    await running;
    await session.leave();
    await coordination.close();
    await server.stop();
  }
});
