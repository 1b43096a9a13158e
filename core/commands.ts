import type { SyncIdentity } from './sync-spec.ts';

/**
 * Commands as remedies name them: SYNC stands for the Sync until `namingSync` puts it there. On Kubernetes `kubectl idra` takes the same
 * ones.
 */
export const restartCommand = 'idra restart SYNC';
export const keepOffsetCommand = 'idra keep-offset SYNC';
export const suspendCommand = 'idra suspend SYNC';

export function namingSync(
  text: string,
  { namespace, name }: Pick<SyncIdentity, 'namespace' | 'name'>,
): string {
  return text.replaceAll(' SYNC', namespace === 'default' ? ` ${name}` : ` ${name} -n ${namespace}`);
}
