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
        `Sync ${sync.namespace}/${sync.name} is to go, and no agent has closed it in time`,
        {
          mend: 'it goes as soon as an agent runs (idra get agents); wait for it with the same call',
        },
      );
    }
    await systemClock.sleep(pollMs);
  }
}
