/**
 * Exponential backoff with equal jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). `attempt` counts from
 * 1; the result is in [cap/2, cap) of that attempt, so there is always a minimum delay.
 */
export function backoffMs(
  attempt: number,
  options: { baseMs?: number; maxMs?: number; random?: () => number } = {},
): number {
  const { baseMs = 250, maxMs = 30_000, random = Math.random } = options;
  const cap = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return cap / 2 + random() * (cap / 2);
}
