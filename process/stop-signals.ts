import { Stopped } from '../core/errors.ts';

export interface StopSignals {
  /** Aborts with Stopped('shutdown') at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The exit status for the first signal, once there was one. */
  readonly status: 130 | 143 | undefined;
  dispose(): void;
}

const statuses = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * At the first SIGINT or SIGTERM calls `onFirst`, then aborts the signal. At the second, exits immediately with the status of that
 * signal.
 */
export function stopOnSignals(onFirst: (name: keyof typeof statuses) => void): StopSignals {
  const stop = new AbortController();
  let status: StopSignals['status'];
  const on = (name: keyof typeof statuses) => () => {
    if (stop.signal.aborted) process.exit(statuses[name]);
    status = statuses[name];
    onFirst(name);
    stop.abort(new Stopped('shutdown'));
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, handlers[name]);
  return {
    signal: stop.signal,
    get status() {
      return status;
    },
    dispose() {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, handlers[name]);
    },
  };
}
