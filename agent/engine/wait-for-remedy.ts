import { fingerprintOfSecrets, hasChangedSecrets } from '../../core/access.ts';
import type { RunState } from './run-state.ts';

/** Many syncs share a Secret, which is read once for all of them. */
const checkIntervalMs = 5_000;

/** After a permanent error: waits until the next attempt is due, or a Secret has changed, which may be the fix. */
export async function waitForRemedy({ context, wake }: RunState, delayMs: number): Promise<void> {
  const { clock, source, destination, secrets } = context;
  const fingerprint = async () => await fingerprintOfSecrets([source, destination], secrets);
  const untilMs = clock.monotonicMs() + delayMs;
  const before = await fingerprint();
  const leftMs = () => untilMs - clock.monotonicMs();
  while (leftMs() > 0 && !wake.interrupt(false).aborted) {
    if (before === undefined) await wake.sleep(leftMs());
    else {
      await wake.sleep(Math.min(leftMs(), checkIntervalMs));
      if (hasChangedSecrets(before, await fingerprint())) return;
    }
  }
}
