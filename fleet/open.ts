import type { Coordination } from '../coordination/contract.ts';
import type { Environment } from '../process/environment.ts';
import type { Fleet } from './contract.ts';
import type { KubernetesOptions } from './kubernetes.ts';

/** The installation to open. */
export type FleetAddress =
  | { readonly kind: 'stateFile'; readonly path: string }
  | ({ readonly kind: 'kubernetes' } & KubernetesOptions)
  | { readonly kind: 'etcd' };

/** Loads only the client of the installation that is opened. Other settings come from the environment. */
export async function openFleet(address: FleetAddress, env: Environment): Promise<Fleet> {
  switch (address.kind) {
    case 'stateFile':
      return (await import('./state-file.ts')).stateFleet(address.path);
    case 'kubernetes':
      return await (await import('./kubernetes.ts')).kubernetesFleet(env, address);
    case 'etcd': {
      const { etcdFleet } = await import('./etcd.ts');
      return etcdFleet(await openEtcd(env), placeOfEtcd(env));
    }
  }
}

/** Connects as the IDRA_ETCD_* variables specify, and sends one request to verify that etcd answers. */
export async function openEtcd(env: Environment): Promise<Coordination> {
  const { connectCoordination, readEtcdConfig } = await import('../coordination/connect.ts');
  const etcd = connectCoordination(readEtcdConfig(env));
  try {
    await etcd.ping();
    return etcd;
  } catch (error) {
    await etcd.close();
    throw error;
  }
}

export function placeOfEtcd(env: Environment): string {
  return `etcd at ${env.IDRA_ETCD_ENDPOINTS}`;
}
