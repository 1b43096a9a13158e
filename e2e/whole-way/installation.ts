import { join } from 'node:path';
import { rulesOfChart } from '../kit/chart.ts';
import { projectFolder, type RunningProcess, type StartOptions, startIdra } from '../kit/processes.ts';
import { type EtcdServer, etcd, type KubernetesApi, kubernetesApi } from '../kit/servers.ts';
import { until } from '../kit/wait.ts';

const system = 'idra-system';
export const team = 'team-a';

/** What `helm install` starts, as processes: an API server with our resources, etcd, an operator and agents with separate rights. */
export class Installation {
  readonly api: KubernetesApi;
  store: EtcdServer;
  readonly agents = new Map<string, RunningProcess>();
  readonly #processes: RunningProcess[] = [];
  readonly #operatorKubeconfig: string;
  readonly #agentKubeconfig: string;

  static async start(): Promise<Installation> {
    const [api, store] = await Promise.all([kubernetesApi(), etcd({ members: 1 })]);
    await must(api, ['apply', '-f', join(projectFolder, 'crds')]);
    await api.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: team } }));
    const [operator, agent] = [
      await api.serviceAccount(system, 'operator'),
      await api.serviceAccount(system, 'agent'),
    ];
    await grant(api, team, 'operator', await rulesOfChart('idra-system-idra-operator'));
    await grant(api, team, 'agent', await rulesOfChart('idra-system-idra-agent'));
    await grant(api, system, 'operator', await rulesOfChart('idra-operator-election'));
    const installation = new Installation(api, store, operator.kubeconfigPath, agent.kubeconfigPath);
    // The condition Established is set before the resources are served.
    await until(() => installation.kubectl(['get', 'syncs,datasources']).then(() => true), {
      what: 'the resources',
    });
    await installation.operator();
    return installation;
  }

  private constructor(
    api: KubernetesApi,
    store: EtcdServer,
    operatorKubeconfig: string,
    agentKubeconfig: string,
  ) {
    this.api = api;
    this.store = store;
    this.#operatorKubeconfig = operatorKubeconfig;
    this.#agentKubeconfig = agentKubeconfig;
  }

  async operator(): Promise<void> {
    const env = { ...this.#env, KUBECONFIG: this.#operatorKubeconfig, IDRA_OPERATOR_NAMESPACE: system };
    await this.#start(['operator'], { env });
  }

  /** Ends all agents, as scaling them to 0 does. */
  async stopAgents(): Promise<void> {
    await Promise.all([...this.agents.values()].map((each) => each.stop()));
    this.agents.clear();
  }

  /** What `helm uninstall` leaves if the volume of etcd is deleted, too: custom resources, and a new etcd that is empty. */
  async loseEtcd(): Promise<void> {
    await this.stopAgents();
    await Promise.all(this.#processes.map((each) => each.stop()));
    await this.store.stop();
    this.store = await etcd({ members: 1 });
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

  /** Environment of the command line in a pod of the installation. */
  get etcdEnv(): Readonly<Record<string, string>> {
    return { IDRA_ETCD_ENDPOINTS: this.store.endpoints.join(','), IDRA_ETCD_PREFIX: this.store.prefix };
  }

  get #env(): Readonly<Record<string, string>> {
    return {
      ...this.etcdEnv,
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
