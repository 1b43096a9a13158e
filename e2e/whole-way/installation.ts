import { join } from 'node:path';
import { projectFolder, type RunningProcess, type StartOptions, startIdra } from '../kit/processes.ts';
import { type EtcdServer, etcd, type KubernetesApi, kubernetesApi } from '../kit/servers.ts';
import { until } from '../kit/wait.ts';

const system = 'idra-system';
export const team = 'team-a';

/** The rights that the chart grants, in the one watched namespace. */
const rules = {
  operator: [
    {
      apiGroups: ['idra.dev'],
      resources: ['syncs', 'datasources'],
      verbs: ['get', 'list', 'watch', 'patch', 'update'],
    },
    {
      apiGroups: ['idra.dev'],
      resources: ['syncs/status', 'datasources/status'],
      verbs: ['get', 'patch', 'update'],
    },
    { apiGroups: ['idra.dev'], resources: ['syncs/finalizers', 'datasources/finalizers'], verbs: ['update'] },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
    { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
  ],
  agent: [
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    { apiGroups: ['idra.dev'], resources: ['datasources'], verbs: ['get'] },
  ],
};
const electionRules = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch'] },
];

/** What `helm install` starts, as processes: an API server with our resources, etcd, an operator and agents with separate rights. */
export class Installation {
  readonly api: KubernetesApi;
  readonly store: EtcdServer;
  readonly agents = new Map<string, RunningProcess>();
  readonly #processes: RunningProcess[] = [];
  readonly #agentKubeconfig: string;

  static async start(): Promise<Installation> {
    const [api, store] = await Promise.all([kubernetesApi(), etcd({ members: 1 })]);
    await must(api, ['apply', '-f', join(projectFolder, 'crds')]);
    await api.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: team } }));
    const [operator, agent] = [
      await api.serviceAccount(system, 'operator'),
      await api.serviceAccount(system, 'agent'),
    ];
    await grant(api, team, 'operator', rules.operator);
    await grant(api, team, 'agent', rules.agent);
    await grant(api, system, 'operator', electionRules);
    const installation = new Installation(api, store, agent.kubeconfigPath);
    // The condition Established is set before the resources are served.
    await until(() => installation.kubectl(['get', 'syncs,datasources']).then(() => true), {
      what: 'the resources',
    });
    await installation.#start(['operator'], {
      env: { ...installation.#env, KUBECONFIG: operator.kubeconfigPath, IDRA_OPERATOR_NAMESPACE: system },
    });
    return installation;
  }

  private constructor(api: KubernetesApi, store: EtcdServer, agentKubeconfig: string) {
    this.api = api;
    this.store = store;
    this.#agentKubeconfig = agentKubeconfig;
  }

  /** It has joined when this returns. */
  async agent(name: string, labels = '', sqliteRoot?: string): Promise<RunningProcess> {
    const agent = await this.#start(['agent'], {
      name,
      env: {
        ...this.#env,
        KUBECONFIG: this.#agentKubeconfig,
        IDRA_AGENT_NAME: name,
        IDRA_AGENT_LABELS: labels,
        IDRA_LEASE_TTL: '3s',
        IDRA_SQLITE_ROOT: sqliteRoot,
      },
    });
    this.agents.set(name, agent);
    await agent.waitForLine('joined the cluster');
    return agent;
  }

  /** stdout of kubectl in the team's namespace; throws if it fails. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    return await must(this.api, ['-n', team, ...args], input);
  }

  async apply(manifests: string): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], manifests);
  }

  /** Waits until kubectl's jsonpath of an object returns this. */
  async untilField(
    object: string,
    path: string,
    wanted: string | RegExp,
    timeoutMs = 30_000,
  ): Promise<string> {
    let last = '';
    return await until(
      async () => {
        last = await this.kubectl(['get', object, '-o', `jsonpath={${path}}`]);
        return (typeof wanted === 'string' ? last === wanted : wanted.test(last)) && last;
      },
      { what: `${path} of ${object} to be ${wanted}`, timeoutMs, everyMs: 200 },
    ).catch(async (error: unknown) => {
      const object_ = await this.kubectl(['get', object, '-o', 'yaml']).catch(() => 'it is gone');
      const tails = this.#processes.map((each) => `${each.name}:\n${each.tail(8)}`).join('\n');
      throw new Error(`${(error as Error).message}; it is ${last}\n${object_}\n${tails}`);
    });
  }

  async stop(): Promise<void> {
    for (const each of this.#processes) each.kill('SIGKILL');
    await Promise.all(this.#processes.map((each) => each.waitForExit()));
    await Promise.all([this.api.stop(), this.store.stop()]);
  }

  get #env(): Readonly<Record<string, string>> {
    const { endpoints, prefix } = this.store;
    return {
      IDRA_ETCD_ENDPOINTS: endpoints.join(','),
      IDRA_ETCD_PREFIX: prefix,
      IDRA_WATCH_NAMESPACES: team,
      IDRA_HEALTH_PORT: '0',
    };
  }

  async #start(args: readonly string[], options: StartOptions): Promise<RunningProcess> {
    const started = await startIdra(args, options);
    this.#processes.push(started);
    return started;
  }
}

async function grant(
  api: KubernetesApi,
  namespace: string,
  name: string,
  of: readonly object[],
): Promise<void> {
  const metadata = { name: `idra-${name}`, namespace };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
  const subjects = [{ kind: 'ServiceAccount', name, namespace: system }];
  const role = { apiVersion, kind: 'Role', metadata, rules: of };
  await api.apply(JSON.stringify(role));
  await api.apply(JSON.stringify({ apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects }));
}

async function must(api: KubernetesApi, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await api.kubectl(args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}
