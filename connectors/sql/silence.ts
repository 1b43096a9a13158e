import type { Socket } from 'node:net';
import { type IdraError, transient } from '../../core/errors.ts';

/** Of a statement: a sort of a large table may say nothing for long. */
export const defaultSilenceMs = 60 * 60_000;
/** Of what is small for every server: settings of a session, and putting them back. */
export const shortSilenceMs = 15_000;

/**
 * Calls `onSilent` when nothing has come from the server for the time, or up to twice as long, while we were ready to read. Stop it when
 * the answer is complete.
 */
export function watchSilence(socket: Socket, limitMs: number, onSilent: () => void): () => void {
  let seenBytes = socket.bytesRead;
  const timer = setInterval(() => {
    if (socket.bytesRead === seenBytes && !socket.isPaused()) onSilent();
    seenBytes = socket.bytesRead;
  }, limitMs);
  timer.unref();
  return () => clearInterval(timer);
}

export function silenceError(where: string, limitMs: number): IdraError {
  return transient('SystemTimeout', `${where}: the server has sent nothing for ${limitMs / 1_000} s`, {
    mend: 'check the load of the server; for statements that take longer set parameters.socket_timeout',
  });
}
