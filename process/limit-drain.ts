/** Of the time that a stop may take, this much is left for leaving by itself before the process is ended. */
const ownEndShare = 0.2;

/**
 * From the signal on: after most of the time `cut` ends what still waits for a system, after all of it the process ends, whatever hangs.
 * A loop without end keeps this from running too; against that there is SIGKILL.
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
