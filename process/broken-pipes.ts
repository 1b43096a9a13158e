import { Stopped } from '../core/errors.ts';

let unread: AbortController | undefined;

/**
 * Whoever reads stdout or stderr may end first, as in `idra plan | head`. What is still written is dropped, work in hand goes on, and
 * the exit status stays that of the work. The signal aborts with Stopped('shutdown') at the first write that nobody reads: for
 * commands that would print for ever.
 */
export function survivePipesThatBreak(): AbortSignal {
  unread ??= watchStreams(new AbortController());
  return unread.signal;
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
