import { bug } from '../../core/errors.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';
import type { RunContext } from './context.ts';
import { openDestinationEnd } from './open-sync.ts';

export type RemoveInput = Pick<RunContext, 'sync' | 'destination' | 'secrets' | 'definitionOf' | 'lock'>;

/**
 * Cleans up after a deleted Sync at its destination: its commit rows are closed, so that a new Sync of the same name starts from nothing,
 * and the tokens stay, so that an old owner is still refused (Invariant 9). Rows that were moved are never touched.
 */
export async function removeSync(input: RemoveInput, signal: AbortSignal): Promise<void> {
  const { sync, lock } = input;
  if (lock.token === 'next') throw bug('a sync is removed only under a lock in etcd');
  const destination = await openDestinationEnd(input, signal);
  try {
    if (holdsOffsets(destination)) await destination.closeRows(sync.uid, lock.token, signal);
  } finally {
    await destination.close();
  }
}
