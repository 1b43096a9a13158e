import { hostname } from 'node:os';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { manifests } from '../connectors/catalog.ts';
import { connectCoordination, type EtcdConfig, readEtcdConfig } from '../coordination/connect.ts';
import { systemClock } from '../core/clock.ts';
import { version } from '../core/version.ts';
import { forbidCoreDumps } from '../process/core-dumps.ts';
import { type Environment, EnvironmentReader, invalid } from '../process/environment.ts';
import { exitSoon } from '../process/exit-soon.ts';
import { type HealthServer, readHealthAddress, startHealthServer } from '../process/health-server.ts';
import { loadClusterAccess } from '../process/kubernetes-access.ts';
import { type LogConfig, makeProcessLog, readLogConfig } from '../process/process-log.ts';
import { stopOnSignals } from '../process/stop-signals.ts';
import { ApiServerHealth } from './api-server-health.ts';
import { describeOutage } from './controllers/outage.ts';
import { type Counted, operatorMetrics } from './metrics.ts';
import { Operator } from './operator.ts';
import { KubernetesClient } from './runtime/client.ts';
import { findCondition } from './runtime/conditions.ts';

export interface OperatorConfig {
  readonly etcd: EtcdConfig;
  readonly namespaces: readonly string[];
  readonly healthPort: number | undefined;
  readonly healthAddress: string | undefined;
  readonly name: string;
  /** Of the Lease; omitted: that of the kubeconfig or pod. */
  readonly namespace: string | undefined;
  /** Name of this installation within the namespace of its Lease. */
  readonly installation: string;
  readonly log: LogConfig;
}

/** Throws EtcdNotConfigured or EnvironmentInvalid (permanent), which name the variable. */
export function readOperatorConfig(env: Environment): OperatorConfig {
  const reader = new EnvironmentReader(env);
  return {
    etcd: readEtcdConfig(env),
    namespaces: reader.list('IDRA_WATCH_NAMESPACES'),
    healthPort: reader.port('IDRA_HEALTH_PORT'),
    healthAddress: readHealthAddress(reader),
    name: reader.text('IDRA_OPERATOR_NAME') ?? hostname(),
    namespace: reader.text('IDRA_OPERATOR_NAMESPACE'),
    installation: readInstallation(reader),
    log: readLogConfig(reader),
  };
}

function readInstallation(reader: EnvironmentReader): string {
  const name = reader.text('IDRA_INSTALLATION') ?? 'idra';
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw invalid('IDRA_INSTALLATION', name, 'use letters, digits and dashes, as in the name of a pod');
}

/** Of a pod's termination grace period of 30 s. */
const stopMs = 8_000;

/** Runs until SIGTERM or SIGINT. Stays up while etcd or the API server do not answer, and reports it. Returns the exit status. */
export async function runOperator(env: Environment): Promise<number> {
  forbidCoreDumps();
  const config = readOperatorConfig(env);
  const log = makeProcessLog(config.log, { operator: config.name });
  const access = await loadClusterAccess({ env });
  const coordination = connectCoordination(config.etcd);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const apiServer = new ApiServerHealth(systemClock);
  const counted: Counted = {
    syncs: () => countBy(operator.syncs.values(), ({ status }) => status?.state ?? 'Pending'),
    dataSources: () =>
      countBy(
        operator.dataSources.values(),
        ({ status }) => findCondition(status?.conditions ?? [], 'Ready')?.status ?? 'Unknown',
      ),
    isLeader: () => operator.isLeader,
    isEtcdUp: () => operator.etcdView.outage === undefined,
    isKubernetesUp: () => apiServer.check() === true,
  };
  const metrics = operatorMetrics(registry, counted);
  const client = new KubernetesClient(access, {
    fieldManager: 'idra-operator',
    userAgent: `idra-operator/${version}`,
    maxConcurrentRequests: 16,
    onAnswer: (method, status) => {
      apiServer.answered(status);
      metrics.onAnswer(method, status);
    },
  });
  const namespace = config.namespace ?? access.namespace;
  const operator = new Operator({
    client,
    coordination,
    manifests,
    namespaces: config.namespaces,
    name: config.name,
    installation: `${namespace}/${config.installation}`,
    lease: { namespace, name: `${config.installation}-operator` },
    log,
    metrics,
  });
  const stop = stopOnSignals((signal) => {
    log.info('stopping', { signal });
    // Requests to an etcd that does not answer are retried for a while; the next process does whatever was not done.
    exitSoon(stopMs);
  });
  const health = await startHealth(config, registry, operator, apiServer);
  log.info('operator started', { version, namespaces: config.namespaces, healthPort: health?.port });
  try {
    await operator.run(stop.signal);
    log.info('operator stopped');
    return 0;
  } finally {
    await health?.close();
    client.close();
    await coordination.close();
    stop.dispose();
    exitSoon();
  }
}

async function startHealth(
  { healthPort, healthAddress }: OperatorConfig,
  registry: Registry,
  operator: Operator,
  apiServer: ApiServerHealth,
): Promise<HealthServer | undefined> {
  if (healthPort === undefined) return undefined;
  const ready = {
    kubernetes: apiServer.check,
    cache: () =>
      (operator.syncs.hasSynced && operator.dataSources.hasSynced) || 'the initial list is not complete',
    etcd: () => {
      const { outage, hasSynced } = operator.etcdView;
      if (outage) return describeOutage(outage);
      return hasSynced || 'the initial list is not complete';
    },
  };
  return await startHealthServer({ port: healthPort, host: healthAddress, ready, metrics: registry });
}

function countBy<T>(objects: Iterable<T>, of: (object: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const each of objects) counts.set(of(each), (counts.get(of(each)) ?? 0) + 1);
  return counts;
}
