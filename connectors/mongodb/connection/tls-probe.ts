import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onAbort } from '../../../core/aborted.ts';
import { systemClock } from '../../../core/clock.ts';
import { asIdraError, transient } from '../../../core/errors.ts';
import type { MongoConfig } from '../config.ts';
import { classify } from '../errors.ts';

/** A server without TLS may wait for the rest of what it takes for a message. */
const answerMs = 1_000;
const connectMs = 8_000;
/** How long it is remembered whether a server speaks TLS. */
const rememberedMs = 60_000;

const remembered = new Map<string, { readonly offers: boolean; readonly untilMs: number }>();

/**
 * Whether the first server that can be reached speaks TLS: its protocol has no way to ask. Throws HostUnreachable if none can be reached.
 */
export async function offersTls({ hosts, isSrv, where }: MongoConfig, signal: AbortSignal): Promise<boolean> {
  const overNetwork = hosts.filter((each) => !each.startsWith('/'));
  if (isSrv) return true;
  let failure: unknown;
  for (const host of overNetwork) {
    try {
      return await offers(host, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      failure ??= thrown;
    }
  }
  if (overNetwork.length < hosts.length) return false;
  throw asIdraError(failure).code === 'Bug' ? classify(failure, where) : failure;
}

async function offers(host: string, signal: AbortSignal): Promise<boolean> {
  const nowMs = systemClock.monotonicMs();
  const known = remembered.get(host);
  if (known && known.untilMs > nowMs) return known.offers;
  const found = await answersTls(host, signal);
  remembered.set(host, { offers: found, untilMs: nowMs + rememberedMs });
  return found;
}

async function answersTls(address: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const port = Number(address.slice(at + 1));
  const socket = connectTls({ host, port, rejectUnauthorized: false, ...servername });
  let isConnected = false;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const stop = onAbort(signal, () => reject(signal.reason));
  const failed = (error: Error) => (isConnected ? resolve(false) : reject(error));
  socket.setTimeout(connectMs, () => failed(transient('HostUnreachable', `${address} does not answer`)));
  socket.once('connect', () => {
    isConnected = true;
    socket.setTimeout(answerMs);
  });
  socket.once('secureConnect', () => resolve(true));
  socket.once('error', failed);
  socket.once('close', () => failed(transient('HostUnreachable', `${address} closes the connection`)));
  try {
    return await promise;
  } finally {
    stop();
    socket.on('error', () => {});
    socket.destroy();
  }
}
