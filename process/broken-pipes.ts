import { Stopped } from '../core/errors.ts';

let outputClosed: AbortController | undefined;

/**
 * The reader of stdout or stderr may exit first, as in `idra plan | head`. Further output is dropped, running work continues, and the
 * exit status is that of the work. The signal aborts with Stopped('shutdown') at the first write that fails this way, for commands that
 * would otherwise print forever.
 */
export function ignoreBrokenPipes(): AbortSignal {
  outputClosed ??= watchStreams(new AbortController());
  return outputClosed.signal;
}

function watchStreams(broken: AbortController): AbortController {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
      broken.abort(new Stopped('shutdown'));
    });
  }
  return broken;
}
