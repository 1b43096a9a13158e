import type { RunContext } from './context.ts';

/** The rejection of an aborted wait is not an error. */
export function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** Legal only while no write is in progress: a stop then need not wait for a system that does not answer. */
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
