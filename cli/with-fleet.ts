import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Coordination } from '../coordination/contract.ts';
import { permanent } from '../core/errors.ts';
import type { Fleet, FleetSync } from '../fleet/contract.ts';
import { type FleetAddress, openEtcd, openFleet, placeOfEtcd } from '../fleet/open.ts';
import type { Cli } from './cli.ts';

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

/**
 * Opens the installation that the command line or the environment names: state file, Kubernetes, etcd, and finally single mode's default
 * state file.
 */
export async function withFleet<T>(
  cli: Cli,
  options: FleetOptions,
  body: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const fleet = await openFleet(addressOf(cli, options), cli.env);
  try {
    return await body(fleet);
  } finally {
    await fleet.close();
  }
}

function addressOf(cli: Cli, options: FleetOptions): FleetAddress {
  const { state, context, kubeconfig } = options;
  if (state !== undefined) return { kind: 'stateFile', path: state };
  const { IDRA_ETCD_ENDPOINTS: endpoints, IDRA_KUBECTL_PLUGIN: isPlugin, KUBECONFIG: isSetUp } = cli.env;
  const isNamed = context !== undefined || kubeconfig !== undefined;
  const hasState = !isNamed && !isPlugin && !endpoints && existsSync(defaultStatePath);
  // A variable that is set in every shell of this user is less specific than the state file in this folder.
  if (hasState && isSetUp) {
    cli.err.write(
      `this is the state file ${defaultStatePath} of single mode; for the cluster of KUBECONFIG use kubectl idra, or set --context\n`,
    );
  }
  if (isNamed || (!endpoints && !hasState && (isSetUp || isPlugin))) {
    return {
      kind: 'kubernetes',
      ...(context !== undefined && { context }),
      ...(kubeconfig !== undefined && { kubeconfig }),
    };
  }
  if (endpoints) return { kind: 'etcd' };
  if (hasState) return { kind: 'stateFile', path: defaultStatePath };
  throw permanent('NoTarget', 'no cluster and no state file is configured', {
    fix: `in single mode call it in the folder of idra run, which has ${defaultStatePath}, or give --state FILE; for a cluster set KUBECONFIG or IDRA_ETCD_ENDPOINTS`,
  });
}

const inSingleMode =
  'in single mode use idra run -f FILE --once, which ends with the table of the Syncs, idra plan -f FILE, and idra offset get NAME';
const onKubernetes =
  'on Kubernetes use kubectl apply, kubectl get syncs, kubectl describe sync NAME and kubectl delete';
const withoutKubernetes = 'for a cluster without Kubernetes set IDRA_ETCD_ENDPOINTS';

/** Names first what this user most probably has: the order is that of `addressOf`. */
function etcdNotConfigured({ env }: Cli): Error {
  const refused = (message: string, ...fix: readonly string[]) =>
    permanent('EtcdNotConfigured', message, { fix: fix.join('; ') });
  const { IDRA_KUBECTL_PLUGIN: isPlugin, KUBECONFIG: isSetUp } = env;
  if (!isPlugin && existsSync(defaultStatePath)) {
    const message = `this folder has a state file of single mode (${defaultStatePath}), which this command does not use`;
    return refused(message, inSingleMode, withoutKubernetes);
  }
  if (isPlugin || isSetUp)
    return refused('this command is not for Kubernetes', onKubernetes, withoutKubernetes);
  return refused('no cluster is configured', withoutKubernetes, onKubernetes, inSingleMode);
}

/** Opens etcd with the IDRA_ETCD_* settings, and closes it after `body`. */
export async function withEtcd<T>(cli: Cli, body: (etcd: Coordination) => Promise<T>): Promise<T> {
  if (!cli.env.IDRA_ETCD_ENDPOINTS) throw etcdNotConfigured(cli);
  const etcd = await openEtcd(cli.env);
  try {
    return await body(etcd);
  } finally {
    await etcd.close();
  }
}

/** The same, as the fleet of a cluster without Kubernetes. */
export async function withEtcdFleet<T>(
  cli: Cli,
  body: (fleet: Fleet, etcd: Coordination) => Promise<T>,
): Promise<T> {
  return await withEtcd(cli, async (etcd) => {
    const { etcdFleet } = await import('../fleet/etcd.ts');
    return await body(etcdFleet(etcd, placeOfEtcd(cli.env)), etcd);
  });
}

/** Finds the Sync `orders` or `team-a/orders`. */
export async function requireSync(fleet: Fleet, name: string, options: FleetOptions): Promise<FleetSync> {
  const [namespace, short] = name.includes('/')
    ? [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
    : [options.namespace ?? fleet.namespace ?? 'default', name];
  const sync = await fleet.findSync(namespace, short);
  if (sync) return sync;
  const known = (await fleet.listSyncs(undefined)).map((each) => `${each.namespace}/${each.name}`);
  throw permanent('SyncNotFound', `${fleet.place} has no Sync ${namespace}/${short}`, {
    fix:
      known.length === 0
        ? 'it has none'
        : `it has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', ...' : ''}`,
  });
}
