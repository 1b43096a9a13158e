import type { Coordination } from '../../coordination/contract.ts';
import { withLastKnownSecrets } from '../../core/access.ts';
import { backoffMs } from '../../core/backoff.ts';
import { asIdraError } from '../../core/errors.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { mayHaveRow } from '../../core/sync-store.ts';
import type { RunContext } from '../engine/context.ts';
import { removeSync } from '../engine/remove-sync.ts';
import { failureStatus } from './failure-status.ts';

const longestPauseMs = 15_000;

/**
 * A Sync that is to be deleted: its commit rows are closed, then all that agents have written of it goes from etcd (Invariant 9), the lock
 * with it; what is desired is removed by who wrote it.
 * Tries again until it is done or somebody gives it up; status says what is in the way.
 */
export async function removeDeleted(
  context: RunContext,
  coordination: Pick<Coordination, 'desired' | 'reports'>,
  stop: AbortSignal,
): Promise<void> {
  const { sync, lock, clock, log, agentName } = context;
  const signal = AbortSignal.any([stop, lock.signal]);
  for (let count = 1; !signal.aborted; count++) {
    try {
      // What was never claimed has nothing to close, and its systems need not be reached.
      const secrets = withLastKnownSecrets(context.secrets);
      if (mayHaveRow(await lock.readProgress())) await removeSync({ ...context, secrets }, signal);
      await coordination.desired.purgeSync(sync.uid, 'agent');
      log.info('a deleted sync was cleaned up', { sync: qualifiedName(sync), uid: sync.uid });
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asIdraError(thrown);
      if (count === 1)
        log.warn('a deleted sync cannot be cleaned up yet', { sync: qualifiedName(sync), error });
      const [desired, last] = await Promise.all([
        coordination.desired.getSync(sync.uid),
        coordination.reports.readStatus(sync.uid),
      ]);
      if (!desired) return;
      lock.report(failureStatus({ desired, last, error, agentName, clock, count }));
      await clock.sleep(backoffMs(count, { baseMs: 500, maxMs: longestPauseMs }), signal).catch(() => {});
    }
  }
}
