import { systemClock } from '../core/clock.ts';
import { transient } from '../core/errors.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { Fleet } from './contract.ts';

const pollMs = 100;

/** Waits until a deleted Sync is fully cleaned up. Throws StillThere (transient) at the deadline, which is a monotonic time. */
export async function untilGone(fleet: Fleet, sync: SyncIdentity, deadlineMs: number): Promise<void> {
  while (!(await fleet.isGone(sync))) {
    if (systemClock.monotonicMs() >= deadlineMs) {
      throw transient(
        'StillThere',
        `Sync ${sync.namespace}/${sync.name} is being deleted, and no agent has closed it in time`,
        {
          fix: 'it is deleted once an agent runs (idra get agents); to wait for it, repeat the command',
        },
      );
    }
    await systemClock.sleep(pollMs);
  }
}
