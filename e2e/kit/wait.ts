import { setTimeout as pause } from 'node:timers/promises';

/**
 * How long a test waits for an expected event. A test that passes never waits this long, so it is generous: a busy machine is slow. If a
 * guard is removed, the event may never come, and less is enough.
 */
export const patienceMs = Number(process.env.IDRA_TEST_PATIENCE_MS ?? 60_000);

export interface UntilOptions {
  /** Names what is waited for, in the error: `the lease to be gone`. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Polls until `condition` returns something truthy, and returns that. A condition that throws counts as "not yet"; its last error is the
 * cause of the final one.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = patienceMs, everyMs = 25 }: UntilOptions,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result as Exclude<T, false | null | undefined | 0 | ''>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const why = cause instanceof Error ? `; last error: ${cause.message}` : '';
      throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}${why}`, { cause });
    }
    await pause(everyMs);
  }
}
