/** This share of the stop timeout is reserved for a regular exit before the process is killed. */
const ownEndShare = 0.2;

/**
 * Starts when the signal fires: after most of the time `cut` aborts what still waits for a system; after all of it the process exits,
 * whatever still hangs. An endless synchronous loop also blocks this timer; only SIGKILL ends that.
 */
export function limitDrain(signal: AbortSignal, timeoutMs: number, cut: () => void): { dispose(): void } {
  const timers: NodeJS.Timeout[] = [];
  const begin = () => {
    timers.push(setTimeout(cut, timeoutMs * (1 - ownEndShare)));
    timers.push(setTimeout(() => process.exit(1), timeoutMs));
    for (const timer of timers) timer.unref();
  };
  signal.addEventListener('abort', begin, { once: true });
  return {
    dispose() {
      signal.removeEventListener('abort', begin);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
