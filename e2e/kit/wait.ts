import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  /** Names what is waited for, in the error: `the lease to be gone`. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks again and again until `condition` gives something true, and returns that.
 * A condition that throws counts as "not yet"; its last error is the cause of the final one.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = 15_000, everyMs = 25 }: UntilOptions,
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
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${why}`, { cause });
    }
    await pause(everyMs);
  }
}
