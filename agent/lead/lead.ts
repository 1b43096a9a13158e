import type { AgentSession, ClusterView, Coordination } from '../../coordination/contract.ts';
import type { SecretReader } from '../../core/access.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import { runLeader } from '../balance/leader.ts';
import { checkDataSources } from './data-source-checks.ts';
import { letGoLateDeletions } from './late-deletions.ts';
import { needsOf } from './needs.ts';

export interface LeadDeps {
  readonly coordination: Pick<Coordination, 'desired' | 'reports' | 'probes'>;
  readonly session: AgentSession;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
  readonly secrets: SecretReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLeading: (isLeader: boolean) => void;
}

/** Stands for election again and again, and does what a leader has to do, until the signal. Resigns at its end. */
export async function standForElection(deps: LeadDeps, signal: AbortSignal): Promise<void> {
  const { session, clock, log, onLeading } = deps;
  const ends = AbortSignal.any([signal, session.signal]);
  for (let failures = 0; !ends.aborted; ) {
    try {
      const leadership = await session.campaign(ends);
      log.info('this agent is the leader', { term: leadership.term });
      onLeading(true);
      try {
        const onView = (view: ClusterView, leading: AbortSignal) => fulfil(deps, view, leading);
        await runLeader(leadership, { clock, log, manifests: needsOf(deps.manifests), onView }, ends);
        failures = 0;
      } finally {
        onLeading(false);
        await leadership.resign();
        log.info('this agent is the leader no more', { term: leadership.term });
      }
    } catch (error) {
      if (ends.aborted) return;
      failures += 1;
      log.warn('leading failed; it is tried again', { error });
      await clock.sleep(backoffMs(failures), ends).catch(() => {});
    }
  }
}

/** What a leader does beside balancing. */
function fulfil(deps: LeadDeps, view: ClusterView, leading: AbortSignal): void {
  const duties = [checkDataSources(deps, view, leading), letGoLateDeletions(deps, view, leading)];
  for (const duty of duties) {
    duty.catch((error: unknown) => {
      if (!leading.aborted) deps.log.error('a duty of the leader ended', { error });
    });
  }
}
