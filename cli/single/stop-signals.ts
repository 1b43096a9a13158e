import { type StopSignals, stopOnSignals as stopProcessOnSignals } from '../../process/stop-signals.ts';

/** First SIGINT or SIGTERM: stop at the next batch boundary. A second one: exit immediately with the status of the signal. */
export function stopOnSignals(print: (text: string) => void): StopSignals {
  return stopProcessOnSignals(() =>
    print(
      'stopping after the current batch; press Ctrl-C again to exit immediately (nothing is lost either way)\n',
    ),
  );
}
