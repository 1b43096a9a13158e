import { transient } from '../../../core/errors.ts';

/** Throws the signal's reason if it has fired. If that is a deadline of Idra, the server does not answer; this is not a bug in Idra. */
export function requireAnswered(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')
    throw transient('ConnectionLost', `${where}: the server has not answered in time`);
  signal?.throwIfAborted();
}
