import type { ClusterView, Coordination } from '../../coordination/contract.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import { type CheckDeps, checkDataSources } from './data-source-checks.ts';
import { keepAssignments } from './keep-assignments.ts';
import { endLateDeletions } from './late-deletions.ts';
import { needsOf } from './needs.ts';
import type { MovePlanner } from './planned-moves.ts';

export interface LeadDeps extends CheckDeps {
  readonly coordination: Pick<Coordination, 'desired' | 'reports' | 'probes'>;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
  readonly onLeading: (isLeader: boolean) => void;
  readonly onPlanner?: (planner: MovePlanner | undefined) => void;
  /** Shared with the other watches of the agent, so that an unavailable etcd is logged once. */
  readonly onWatchError?: (error: Error) => void;
}

/**
 * Stands for election until the signal. The leader maintains assignments (keep-assignments.ts), has DataSources checked
 * (data-source-checks.ts), and ends deletions that no agent ends (late-deletions.ts). Resigns at the end.
 */
export async function standForElection(deps: LeadDeps, signal: AbortSignal): Promise<void> {
  const { session, clock, log, onLeading, onPlanner, onWatchError } = deps;
  const ends = AbortSignal.any([signal, session.signal]);
  for (let failures = 0; !ends.aborted; ) {
    try {
      const leadership = await session.campaign(ends);
      log.info('this agent is the leader', { term: leadership.term });
      onLeading(true);
      try {
        const onView = (view: ClusterView, leading: AbortSignal) => startDuties(deps, view, leading);
        const manifests = needsOf(deps.manifests);
        await keepAssignments(leadership, { clock, log, manifests, onView, onPlanner, onWatchError }, ends);
        failures = 0;
      } finally {
        onLeading(false);
        await leadership.resign();
        log.info('this agent is no longer the leader', { term: leadership.term });
      }
    } catch (error) {
      if (ends.aborted) return;
      failures += 1;
      log.warn('leading failed; will retry', { error });
      await clock.sleep(backoffMs(failures), ends).catch(() => {});
    }
  }
}

/** The duties of a leader besides assignments. */
function startDuties(deps: LeadDeps, view: ClusterView, leading: AbortSignal): void {
  const duties = [checkDataSources(deps, view, leading), endLateDeletions(deps, view, leading)];
  for (const duty of duties) {
    duty.catch((error: unknown) => {
      if (!leading.aborted) deps.log.error('a task of the leader ended', { error });
    });
  }
}
