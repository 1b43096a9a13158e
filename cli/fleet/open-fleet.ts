import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { permanent } from '../../core/errors.ts';
import type { Cli } from '../cli.ts';
import { etcdFleet, withEtcd } from './etcd-fleet.ts';
import type { Fleet, FleetSync } from './fleet.ts';
import { stateFleet } from './state-fleet.ts';

export interface FleetOptions {
  readonly namespace?: string;
  readonly state?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

export const defaultStatePath = '.idra/state.db';

export function withFleetOptions(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'namespace of the Sync (default: that of the kubeconfig, else default)')
    .option(
      '--state <file>',
      `state file of single mode (default: ${defaultStatePath}, where there is no cluster)`,
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '--kubeconfig <file>',
      'kubeconfig of a cluster (default: KUBECONFIG, where there is no state file)',
    );
}

/** The one that the call or the environment names: state file, Kubernetes, etcd; at last single mode's own state file. */
export async function withFleet<T>(
  cli: Cli,
  options: FleetOptions,
  body: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  if (options.state !== undefined) return await using(stateFleet(options.state), body);
  const endpoints = cli.env.IDRA_ETCD_ENDPOINTS;
  const isAsked =
    options.context !== undefined || options.kubeconfig !== undefined || cli.env.IDRA_KUBECTL_PLUGIN;
  const hasState = !isAsked && !endpoints && existsSync(defaultStatePath);
  // A variable that is set in every shell of this user says less than the state file of this folder.
  if (hasState && cli.env.KUBECONFIG) {
    cli.talk.write(
      `this is the state file ${defaultStatePath} of single mode; for the cluster of KUBECONFIG call kubectl idra, or name a --context\n`,
    );
  }
  const isKubernetes =
    options.context !== undefined ||
    options.kubeconfig !== undefined ||
    (!endpoints && !hasState && (cli.env.KUBECONFIG || cli.env.IDRA_KUBECTL_PLUGIN));
  if (isKubernetes) {
    const { kubernetesFleet } = await import('./kubernetes-fleet.ts');
    return await using(await kubernetesFleet(cli.env, options), body);
  }
  if (endpoints) return await withEtcd(cli, (etcd) => using(etcdFleet(etcd, `etcd at ${endpoints}`), body));
  if (hasState) return await using(stateFleet(defaultStatePath), body);
  throw permanent('NothingToSpeakTo', 'there is no cluster and no state file to ask', {
    mend: `set KUBECONFIG or IDRA_ETCD_ENDPOINTS, or give --state FILE (single mode's default is ${defaultStatePath})`,
  });
}

async function using<T>(fleet: Fleet, body: (fleet: Fleet) => Promise<T>): Promise<T> {
  try {
    return await body(fleet);
  } finally {
    await fleet.close();
  }
}

/** `orders` or `team-a/orders`. */
export async function requireSync(fleet: Fleet, name: string, options: FleetOptions): Promise<FleetSync> {
  const [namespace, short] = name.includes('/')
    ? [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
    : [options.namespace ?? fleet.namespace ?? 'default', name];
  const sync = await fleet.findSync(namespace, short);
  if (sync) return sync;
  const known = (await fleet.listSyncs(undefined)).map((each) => `${each.namespace}/${each.name}`);
  throw permanent('SyncNotFound', `${fleet.place} has no Sync ${namespace}/${short}`, {
    mend:
      known.length === 0
        ? 'it has none at all'
        : `it has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', ...' : ''}`,
  });
}
