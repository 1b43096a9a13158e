import type { Socket } from 'node:net';
import type { ErrorCode } from '../../../core/error-codes.ts';
import { asIdraError, type IdraError, transient } from '../../../core/errors.ts';

/** Of a statement: a sort of a large table may say nothing for long. */
export const defaultSilenceMs = 60 * 60_000;
/** Of what is small for every server: settings of a session, and putting them back. */
export const shortSilenceMs = 15_000;

/** Asks a server for another connection. */
export interface Probe {
  /**
   * With its DataSource: one attempt is made for all that ask for it at the same time. A neighbour's login to the same server may fail for
   * reasons of its own, which must not end the sessions of others.
   */
  readonly server: string;
  /** A silent server is asked after this time, and so often from then on. */
  readonly everyMs: number;
  /** Rejects where the server gives no answer in time. */
  readonly connect: () => Promise<void>;
}

export interface SilenceLimits {
  /** For messages. */
  readonly where: string;
  readonly limitMs: number;
  readonly probe?: Probe | undefined;
}

/**
 * Calls `onSilent` when nothing has come from the server for the limit, or up to twice as long, while we were ready to read: and sooner
 * where the server does not answer another connection either, for then nothing will ever come on this one. Behind a network that drops
 * packets without a word the kernel would go on sending for a quarter of an hour. Stop it when the answer is complete.
 */
export function watchSilence(
  socket: Socket,
  { where, limitMs, probe }: SilenceLimits,
  onSilent: (error: IdraError) => void,
): () => void {
  const tickMs = Math.min(limitMs, probe?.everyMs ?? limitMs);
  let seenBytes = socket.bytesRead;
  let silentMs = 0;
  let isOver = false;
  const hasSpoken = () => socket.bytesRead !== seenBytes || socket.isPaused();
  const tick = () => {
    silentMs = hasSpoken() ? 0 : silentMs + tickMs;
    seenBytes = socket.bytesRead;
    if (silentMs >= limitMs) onSilent(silenceError(where, limitMs));
    else if (silentMs > 0 && probe) void ask(probe);
  };
  const ask = async (asked: Probe) => {
    const error = await unanswered(asked);
    if (error && !isOver && !hasSpoken()) onSilent(unreachedError(where, tickMs, error));
  };
  const timer = setInterval(tick, tickMs);
  timer.unref();
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

const probing = new Map<string, Promise<IdraError | undefined>>();

/** Undefined where the server answers, be it with an error. */
function unanswered(probe: Probe): Promise<IdraError | undefined> {
  const { server } = probe;
  const attempt = probing.get(server) ?? attemptOf(probe).finally(() => probing.delete(server));
  probing.set(server, attempt);
  return attempt;
}

const noAnswer: readonly ErrorCode[] = ['HostUnreachable', 'ConnectionLost', 'SystemTimeout'];

async function attemptOf({ connect }: Probe): Promise<IdraError | undefined> {
  try {
    await connect();
    return undefined;
  } catch (thrown) {
    const error = asIdraError(thrown);
    return noAnswer.includes(error.code) ? error : undefined;
  }
}

function silenceError(where: string, limitMs: number): IdraError {
  return transient('SystemTimeout', `${where}: the server has sent nothing for ${limitMs / 1_000} s`, {
    mend: 'check the load of the server; for statements that take longer set parameters.socket_timeout',
  });
}

function unreachedError(where: string, silentMs: number, cause: IdraError): IdraError {
  const silent = `the server has sent nothing for ${silentMs / 1_000} s and does not answer another connection`;
  return transient('HostUnreachable', `${where}: ${silent}`, {
    mend: 'check that the server runs and that the network between lets its packets through',
    cause,
  });
}
