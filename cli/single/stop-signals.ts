import { Stopped } from '../../core/errors.ts';
import { exitStatus } from '../exit-status.ts';

/** First SIGINT or SIGTERM: stop at the next batch edge. A second one: leave at once, with the status of the signal. */
export function stopOnSignals(say: (text: string) => void): {
  readonly signal: AbortSignal;
  dispose(): void;
} {
  const stop = new AbortController();
  const on = (name: 'SIGINT' | 'SIGTERM') => () => {
    if (stop.signal.aborted) process.exit(name === 'SIGINT' ? exitStatus.interrupted : exitStatus.terminated);
    say('stopping at the next batch edge; once more to leave at once (nothing is lost either way)\n');
    stop.abort(new Stopped('shutdown'));
  };
  const handlers = { SIGINT: on('SIGINT'), SIGTERM: on('SIGTERM') };
  process.on('SIGINT', handlers.SIGINT);
  process.on('SIGTERM', handlers.SIGTERM);
  return {
    signal: stop.signal,
    dispose() {
      process.off('SIGINT', handlers.SIGINT);
      process.off('SIGTERM', handlers.SIGTERM);
    },
  };
}
