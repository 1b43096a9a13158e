/** The promise's result, or the signal's reason thrown, whichever comes first. */
export async function orAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return await promise;
  if (signal.aborted) {
    // The promise may fail later; without a handler that would be an unhandled rejection.
    promise.catch(() => {});
    throw signal.reason;
  }
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves with the first of the signals that fires. */
export async function firstAborted(...signals: readonly AbortSignal[]): Promise<AbortSignal> {
  const any = AbortSignal.any([...signals]);
  if (!any.aborted) await new Promise((resolve) => any.addEventListener('abort', resolve, { once: true }));
  return signals.find((signal) => signal.aborted) ?? any;
}

/** Calls the listener when the signal fires. Returns how to stop listening. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
