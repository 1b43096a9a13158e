import { Stopped } from '../core/errors.ts';

/**
 * Runs `work` under a signal that fires with the outer signal's reason, or with Stopped('deadline') after `timeoutMs`. Removes its
 * listener from the outer signal, which may live as long as the process.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const stop = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(new Stopped('deadline')), timeoutMs);
  outer?.addEventListener('abort', stop, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', stop);
  }
}
