import type { Socket } from 'node:net';
import type { ErrorCode } from '../../../core/error-codes.ts';
import { asIdraError, type IdraError, transient } from '../../../core/errors.ts';
import { answerOn } from './answer.ts';

/** Limit for a statement: sorting a large table may produce no output for a long time. */
export const defaultSilenceMs = 60 * 60_000;
/** Limit for statements that are small on every server: setting up and resetting a session. */
export const shortSilenceMs = 15_000;

/** Opens another connection to a server. */
export interface Probe {
  /**
   * The server with its DataSource. Callers with the same value share one concurrent attempt. Another DataSource's login to the same
   * server may fail for its own reasons, which must not end the sessions of others.
   */
  readonly server: string;
  /** A silent server is probed after this time, and repeatedly at this interval. */
  readonly everyMs: number;
  /** Rejects if the server does not answer in time. */
  readonly connect: () => Promise<void>;
}

export interface SilenceLimits {
  /** For messages. */
  readonly where: string;
  readonly limitMs: number;
  readonly probe?: Probe | undefined;
}

/**
 * Calls `onSilent` if no part of the answer has arrived for the limit (up to twice as long) while we were ready to read, or sooner if
 * the server does not answer another connection either, because then this one is dead. Behind a network that silently drops packets, the
 * kernel would keep retransmitting for a quarter of an hour. Call the returned function when the answer is complete.
 */
export function watchSilence(
  socket: Socket,
  { where, limitMs, probe }: SilenceLimits,
  onSilent: (error: IdraError) => void,
): () => void {
  const tickMs = Math.min(limitMs, probe?.everyMs ?? limitMs);
  const answer = answerOn(socket);
  const progress = () => answer?.progress ?? socket.bytesRead;
  let seen = progress();
  let silentMs = 0;
  let isOver = false;
  const hasReceived = () => progress() !== seen || socket.isPaused();
  const tick = () => {
    silentMs = hasReceived() ? 0 : silentMs + tickMs;
    seen = progress();
    if (silentMs >= limitMs) onSilent(silenceError(where, limitMs));
    else if (silentMs > 0 && probe) void ask(probe);
  };
  const ask = async (asked: Probe) => {
    const error = await unanswered(asked);
    if (error && !isOver && !hasReceived()) onSilent(unreachedError(where, tickMs, error));
  };
  const timer = setInterval(tick, tickMs);
  timer.unref();
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

const probing = new Map<string, Promise<IdraError | undefined>>();

/** Undefined if the server answers, even with an error. */
function unanswered(probe: Probe): Promise<IdraError | undefined> {
  const { server } = probe;
  const attempt = probing.get(server) ?? attemptOf(probe).finally(() => probing.delete(server));
  probing.set(server, attempt);
  return attempt;
}

const noAnswer: readonly ErrorCode[] = ['HostUnreachable', 'ServerSilent', 'ConnectionLost', 'SystemTimeout'];

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
  return transient(
    'SystemTimeout',
    `${where}: the server has sent no part of its answer for ${limitMs / 1_000} s`,
    {
      fix: 'check the load of the server; for longer statements set parameters.socket_timeout',
    },
  );
}

function unreachedError(where: string, silentMs: number, cause: IdraError): IdraError {
  const silent = `the server has sent no part of its answer for ${silentMs / 1_000} s and does not answer another connection`;
  return transient('HostUnreachable', `${where}: ${silent}`, {
    fix: 'check that the server is running and that the network does not drop its packets',
    cause,
  });
}
