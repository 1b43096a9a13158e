import type { ClusterView, Coordination } from '../../coordination/contract.ts';
import type { Clock } from '../../core/clock.ts';
import { DeletionAges } from '../../core/deletion-ages.ts';
import type { Log } from '../../core/log.ts';
import { qualifiedName } from '../../core/sync-spec.ts';

/** Longer than the operator's limit, which is reported on the custom resource; without Kubernetes nothing else ends a deletion. */
const limitMs = 12 * 60_000;
const checkIntervalMs = 5_000;

export interface LateDeletionDeps {
  readonly coordination: Pick<Coordination, 'desired'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends the deletion of a Sync that no agent runs: at once if it was never claimed and so left nothing behind, otherwise when no agent
 * could clean up in time; then what remains is logged.
 */
export async function endLateDeletions(
  { coordination, clock, log }: LateDeletionDeps,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const ages = new DeletionAges(clock);
  while (!signal.aborted) {
    ages.keepOnly(new Set(view.syncs.keys()));
    for (const sync of view.syncs.values()) {
      if (sync.deletedAt === undefined) continue;
      const fields = { sync: qualifiedName(sync), uid: sync.uid };
      try {
        const isUnclaimed =
          !view.assignments.has(sync.uid) && (await coordination.desired.purgeUnclaimed(sync.uid, 'agent'));
        if (isUnclaimed || ages.ageOf(sync.uid, sync.deletedAt) <= limitMs) continue;
        await coordination.desired.purgeSync(sync.uid, 'agent');
        log.warn('a deleted sync was released without cleanup; its rows in the commit table remain', fields);
      } catch (error) {
        log.warn('a deleted sync cannot be released yet', { ...fields, error });
      }
    }
    await purgeRemoved({ coordination, log }, view);
    await clock.sleep(checkIntervalMs, signal).catch(() => {});
  }
}

/** Purges what agents have written about syncs that the operator or the command line have deleted from desired state. */
async function purgeRemoved(
  { coordination, log }: Omit<LateDeletionDeps, 'clock'>,
  view: ClusterView,
): Promise<void> {
  for (const uid of view.removed) {
    try {
      await coordination.desired.purgeRemoved(uid);
    } catch (error) {
      log.warn('the keys of a deleted sync cannot be removed yet', { uid, error });
      return;
    }
  }
}
