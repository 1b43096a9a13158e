import { apiFieldManager } from '../../api/views/authors.ts';
import type { Coordination } from '../../coordination/contract.ts';
import type { Log } from '../../core/log.ts';
import { agentControl } from '../../fleet/agent-control.ts';
import { agentAsker } from '../../fleet/ask-agents.ts';
import { etcdFleet } from '../../fleet/etcd.ts';
import { kubernetesClient, kubernetesFleetOver } from '../../fleet/kubernetes.ts';
import { openEtcd, placeOfEtcd } from '../../fleet/open.ts';
import { etcdView } from '../../fleet/view/etcd.ts';
import { kubernetesView } from '../../fleet/view/kubernetes.ts';
import { EnvironmentReader } from '../../process/environment.ts';
import type { Cli } from '../cli.ts';
import type { ApiCommandOptions, OpenInstallation } from './contract.ts';

/** A cluster without Kubernetes: etcd is the truth. */
export async function openEtcdInstallation(cli: Cli): Promise<OpenInstallation> {
  const etcd = await openEtcd(cli.env);
  const view = etcdView(etcd);
  const fleet = etcdFleet(etcd, placeOfEtcd(cli.env));
  return {
    mode: 'etcd',
    fleet,
    view,
    documents: etcd.documents,
    agents: agentControl(etcd),
    openAsker: (signal) => agentAsker(etcd, signal),
    watchTrends: trendsOf(etcd),
    offsetHistory: (sync) => fleet.history(sync),
    async close() {
      await view.close();
      await fleet.close();
    },
  };
}

/** Custom resources are the truth; users, agents and locks are in etcd. */
export async function openKubernetesInstallation(
  cli: Cli,
  options: ApiCommandOptions,
  log: Log,
): Promise<OpenInstallation> {
  const { context, kubeconfig } = options;
  const etcd = await openEtcd(cli.env);
  const { client, access } = await kubernetesClient(cli.env, {
    ...(context !== undefined && { context }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    fieldManager: apiFieldManager,
  });
  const namespaces = new EnvironmentReader(cli.env).list('IDRA_WATCH_NAMESPACES');
  const view = kubernetesView({ client, etcd, namespaces, log });
  const fleet = kubernetesFleetOver(client, access);
  return {
    mode: 'kubernetes',
    fleet,
    view,
    documents: etcd.documents,
    agents: agentControl(etcd),
    openAsker: (signal) => agentAsker(etcd, signal),
    watchTrends: trendsOf(etcd),
    offsetHistory: (sync) => etcd.requests.history(sync.uid),
    async close() {
      await view.close();
      await fleet.close();
      await etcd.close();
    },
  };
}

function trendsOf({ trends }: Coordination): OpenInstallation['watchTrends'] {
  return (listener) => {
    // What is missing is a gap in a chart; an etcd that does not answer is reported by the view.
    const watching = trends.watch(listener, () => {});
    watching.isSynced.catch(() => {});
    return () => watching.close();
  };
}
