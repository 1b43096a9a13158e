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
 * Cleans up a deleted Sync: its commit rows are closed, then everything that agents have written about it is deleted from etcd (Invariant
 * 9), including the lock; desired state is deleted by the side that wrote it. Retries until it is done or the deletion is ended
 * elsewhere; the status reports what blocks it.
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
      // A Sync that was never claimed has nothing to close, so its systems need not be reachable.
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
