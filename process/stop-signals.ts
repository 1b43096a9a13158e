import { Stopped } from '../core/errors.ts';

export interface StopSignals {
  /** Aborts with Stopped('shutdown') at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  dispose(): void;
}

const statuses = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * At the first SIGINT or SIGTERM calls `onFirst`, then aborts the signal. At the second, exits immediately with the status of that
 * signal.
 */
export function stopOnSignals(onFirst: (name: keyof typeof statuses) => void): StopSignals {
  const stop = new AbortController();
  const on = (name: keyof typeof statuses) => () => {
    if (stop.signal.aborted) process.exit(statuses[name]);
    onFirst(name);
    stop.abort(new Stopped('shutdown'));
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, handlers[name]);
  return {
    signal: stop.signal,
    dispose() {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, handlers[name]);
    },
  };
}
