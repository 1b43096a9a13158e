import { manifests } from '../../connectors/catalog.ts';
import { connectCoordination, type EtcdConfig } from '../../coordination/connect.ts';
import type { AgentSession, Coordination, DesiredSync } from '../../coordination/contract.ts';
import type { EtcdWithRoles } from '../../coordination/roles/test-roles.ts';
import { agentOf } from '../../coordination/test-etcd.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import type { RequestType, SyncStatus } from '../../core/status.ts';
import type { SyncLock } from '../../core/sync-store.ts';
import {
  type DataSourceObject,
  dataSources,
  finalizer,
  type SyncObject,
  syncs,
} from '../../operator/controllers/objects.ts';
import { Operator, type OperatorDeps } from '../../operator/operator.ts';
import type { KubernetesClient } from '../../operator/runtime/client.ts';
import { findCondition } from '../../operator/runtime/conditions.ts';
import { events } from '../../operator/runtime/events.ts';
import type { KubernetesObject } from '../../operator/runtime/objects.ts';
import { connect, makeNamespace } from '../../operator/runtime/test-cluster.ts';
import { projectFolder } from './processes.ts';
import { type EtcdServer, etcd, type KubernetesApi, kubernetesApi } from './servers.ts';
import { until } from './wait.ts';

/** A Kubernetes API server with our custom resources, an etcd for Idra, and a connection to each. */
export class OperatorBed {
  readonly api: KubernetesApi;
  readonly store: EtcdServer;
  readonly client: KubernetesClient;
  readonly coordination: Coordination;
  readonly config: EtcdConfig;
  /** The coordination of the agents that the tests play. */
  readonly #ofAgents: Coordination;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(api: KubernetesApi, store: EtcdServer, client: KubernetesClient, roles?: EtcdWithRoles) {
    this.api = api;
    this.store = store;
    this.client = client;
    this.config = roles?.config('idra-operator') ?? { endpoints: store.endpoints, prefix: store.prefix };
    this.coordination = connectCoordination(this.config);
    this.#ofAgents = roles ? connectCoordination(roles.config('idra-agent')) : this.coordination;
  }

  /** `roles`: operator and agents connect to this etcd as separate users. */
  static async start(
    roles?: EtcdWithRoles,
    options: Parameters<typeof etcd>[0] = { members: 1 },
  ): Promise<OperatorBed> {
    const [api, store] = await Promise.all([kubernetesApi(), roles?.server ?? etcd(options)]);
    const bed = new OperatorBed(api, store, await connect(api, { maxConcurrentRequests: 20 }), roles);
    await bed.kubectl('apply', '-f', `${projectFolder}/crds`);
    // The condition Established is set before the resources are served.
    await until(() => bed.client.list(syncs).then(() => bed.client.list(dataSources)), {
      what: 'the custom resources',
    });
    return bed;
  }

  /** Returns stdout; throws if kubectl fails. */
  async kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.api.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** An operator in this process, which acts as soon as it is elected. */
  run(more: Partial<OperatorDeps> = {}): RunningOperator {
    const stop = new AbortController();
    const operator = new Operator({
      client: this.client,
      coordination: this.coordination,
      manifests,
      namespaces: [],
      name: 'test',
      installation: 'default/idra',
      lease: { namespace: 'default', name: 'idra-operator' },
      log: silentLog,
      statusRateLimits: { perObjectAMinute: 600, perSecond: 1_000 },
      election: { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 },
      ...more,
    });
    const running = operator.run(stop.signal);
    const end = async () => {
      stop.abort();
      await running;
    };
    this.#closing.unshift(end);
    return { operator, stop: end };
  }

  /** Plays an agent: only an agent may write statuses, under the lock of each Sync. */
  async joinAgent(name: string): Promise<TestAgent> {
    const session = await this.#ofAgents.join(agentOf(name), { leaseTtlMs: 10_000 });
    const agent = new TestAgent(session, this.#ofAgents);
    this.#closing.unshift(() => agent.leave());
    return agent;
  }

  /** A namespace with the data sources shop and warehouse. */
  async makeNamespace(name: string): Promise<void> {
    await makeNamespace(this.client, name);
    for (const each of ['shop', 'warehouse']) await this.makeDataSource(name, each);
  }

  async makeDataSource(
    namespace: string,
    name: string,
    spec: object = { postgres },
  ): Promise<DataSourceObject> {
    return await this.client.create<DataSourceObject>(dataSources, { metadata: { namespace, name }, spec });
  }

  async makeSync(namespace: string, name: string, more: SyncOptions = {}): Promise<SyncObject> {
    const { annotations, ...spec } = more;
    const metadata = { namespace, name, ...(annotations && { annotations }) };
    return await this.client.create<SyncObject>(syncs, { metadata, spec: { ...syncSpec, ...spec } });
  }

  async sync(namespace: string, name: string): Promise<SyncObject> {
    return await this.client.get<SyncObject>(syncs, { namespace, name });
  }

  async stored({ metadata }: SyncObject): Promise<DesiredSync | undefined> {
    return await this.coordination.desired.getSync(metadata.uid);
  }

  async inEtcd(object: SyncObject): Promise<DesiredSync> {
    return await until(() => this.stored(object), { what: `${object.metadata.name} in etcd` });
  }

  /** Waits until a deletion of this DataSource would wait for the operator; before that, the server executes it at once. */
  async untilFinalized(namespace: string, name: string): Promise<void> {
    const read = async () => {
      const { metadata } = await this.client.get<DataSourceObject>(dataSources, { namespace, name });
      return metadata.finalizers?.includes(finalizer);
    };
    await until(read, { what: `the finalizer on ${namespace}/${name}` });
  }

  /** Waits until the Sync satisfies `holds`. */
  async shown(
    namespace: string,
    name: string,
    what: string,
    holds: (object: SyncObject) => unknown,
  ): Promise<SyncObject> {
    const read = async () => {
      const object = await this.sync(namespace, name);
      return holds(object) ? object : undefined;
    };
    return await until(read, { what: `${name} ${what}` });
  }

  async isGone(namespace: string, name: string): Promise<boolean> {
    return (
      (await this.kubectl('get', 'sync', name, '-n', namespace, '--ignore-not-found', '-o', 'name')) === ''
    );
  }

  async annotate(
    namespace: string,
    name: string,
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    await this.patchSync(namespace, name, { metadata: { annotations } });
  }

  /** Matches `Warning InUse: note` against events of an object of any kind. */
  async hasEvent(namespace: string, name: string, pattern: RegExp): Promise<string> {
    const read = async () => {
      const { items } = await this.client.list<EventObject>(events, { namespace });
      const texts = items
        .filter(({ regarding }) => regarding.name === name)
        .map((each) => `${each.type} ${each.reason}: ${each.note}`);
      return texts.find((each) => pattern.test(each));
    };
    return await until(read, { what: `event ${pattern} of ${name}` });
  }

  async patchSync(
    namespace: string,
    name: string,
    patch: Readonly<Record<string, unknown>>,
  ): Promise<SyncObject> {
    return await this.client.patch<SyncObject>(syncs, { namespace, name }, patch);
  }

  async stop(): Promise<void> {
    for (const close of this.#closing) await close();
    this.client.close();
    await Promise.all([this.coordination.close(), this.#ofAgents.close()]);
    await this.store.stop();
    await this.api.stop();
  }
}

/** `True InvalidSpec`. */
export function conditionOf({ status }: SyncObject | DataSourceObject, type: string): string | undefined {
  const found = findCondition(status?.conditions ?? [], type);
  return found && `${found.status} ${found.reason}`;
}

interface EventObject extends KubernetesObject {
  readonly regarding: { readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

export interface RunningOperator {
  readonly operator: Operator;
  stop(): Promise<void>;
}

export interface SyncOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const postgres = { host: 'db', database: 'shop', user: 'idra' };
const syncSpec = {
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
  destination: { dataSource: 'warehouse', table: 'sales.orders' },
  mode: 'Id',
};

export class TestAgent {
  readonly session: AgentSession;
  readonly #coordination: Coordination;
  readonly #locks = new Map<string, SyncLock>();

  constructor(session: AgentSession, coordination: Coordination) {
    this.session = session;
    this.#coordination = coordination;
  }

  async report(uid: string, status: Partial<SyncStatus>): Promise<void> {
    (await this.lock(uid)).report({ ...quiet, uid, agent: this.session.agent.name, ...status });
  }

  async lock(uid: string): Promise<SyncLock> {
    const held =
      this.#locks.get(uid) ?? (await this.session.store.acquire({ uid, namespace: '', name: '' } as never));
    if (!held) throw new Error(`the lock of ${uid} is not free`);
    this.#locks.set(uid, held);
    return held;
  }

  async finish(uid: string, type: RequestType, id: string): Promise<void> {
    const time = new Date().toISOString();
    await (await this.lock(uid)).finishRequest({ type, id, state: 'Done', message: 'done', time });
  }

  async release(uid: string): Promise<void> {
    await this.#locks.get(uid)?.release();
    this.#locks.delete(uid);
  }

  /** What an agent does with a deleted Sync after its rows are closed. */
  async purge(uid: string): Promise<void> {
    this.#locks.delete(uid);
    await this.#coordination.desired.purgeSync(uid, 'agent');
  }

  async leave(): Promise<void> {
    await this.session.leave();
  }
}

const quiet = {
  observedGeneration: 1,
  state: 'Waiting',
  reason: 'WaitingForPass',
  message: 'waits for the next pass',
  hasCaughtUp: false,
  rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
  observedAt: '2026-11-24T08:00:00.000Z',
} as const;

/** A clock that can jump, and on which time can pass; sleepers are not affected. */
export class ShiftedClock implements Clock {
  /** Of the wall clock alone. */
  jumpMs = 0;
  passedMs = 0;

  now(): number {
    return Date.now() + this.jumpMs + this.passedMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.passedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}
