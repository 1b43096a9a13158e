import type { SyncIdentity } from './sync-spec.ts';

/**
 * Commands as they appear in remedies: `namingSync` replaces SYNC with the name of the Sync. On Kubernetes `kubectl idra` accepts the
 * same commands. Those that reread rows contain --yes, because without it they are refused where there is no terminal.
 */
export const restartCommand = 'idra restart SYNC --yes';
export const keepOffsetCommand = 'idra keep-offset SYNC';
export const suspendCommand = 'idra suspend SYNC';

export function namingSync(
  text: string,
  { namespace, name }: Pick<SyncIdentity, 'namespace' | 'name'>,
): string {
  return text.replaceAll(' SYNC', namespace === 'default' ? ` ${name}` : ` ${name} -n ${namespace}`);
}
