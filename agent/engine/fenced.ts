import { fenced, type IdraError } from '../../core/errors.ts';
import type { SyncLock } from '../../core/sync-store.ts';

/**
 * Messages of connectors assume a cluster. In single mode there is no etcd; another process can know this Sync's uid only from a state
 * file.
 */
export function fencedByMode(error: IdraError, { token }: Pick<SyncLock, 'token'>): IdraError {
  if (error.disposition !== 'fenced' || token !== 'next') return error;
  return fenced(
    'this run has lost its claim on the destination: another process writes the same Sync (with a copy of this state file, or after it adopted the Sync), or the commit row was deleted',
    {
      fix: 'only one process may run this Sync: stop the other one, and delete its copy of the state file',
      cause: error,
    },
  );
}
