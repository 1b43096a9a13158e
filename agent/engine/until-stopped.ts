import type { RunContext } from './context.ts';

/** What an aborted wait rejects with is no error. */
export function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** While nothing is on its way a stop need not wait for a system that does not answer. */
export async function untilStopped<T>(
  { lock, stop }: Pick<RunContext, 'lock' | 'stop'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const opening = new AbortController();
  const cut = () => opening.abort(stop.reason);
  if (stop.aborted) cut();
  stop.addEventListener('abort', cut, { once: true });
  try {
    return await work(AbortSignal.any([lock.signal, opening.signal]));
  } finally {
    stop.removeEventListener('abort', cut);
  }
}
