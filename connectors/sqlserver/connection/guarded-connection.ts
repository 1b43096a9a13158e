import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Connection } from 'tedious';
import { protocolError } from '../../../core/error-class.ts';
import { bug } from '../../../core/errors.ts';
import { Answer, type AnswerOwner, answerOn } from '../../sql/connection/answer.ts';
import { guardSocket } from '../../sql/connection/guarded-socket.ts';
import { type Probe, watchSilence } from '../../sql/connection/silence.ts';
import { TokenLimits } from './message-limits.ts';

type Handler = Readonly<Record<string, (token: unknown) => void>>;
type Chunks = AsyncIterable<Buffer>;

/** Members that the driver has but its types do not declare. */
interface Internals {
  createTokenStreamParser(message: Chunks, handler: Handler): EventEmitter;
  readonly socket?: Socket;
}

const limits = new WeakMap<Connection, TokenLimits>();
const sockets = new WeakMap<Connection, Socket>();
/** The error that ended a connection. Later callers would otherwise only see that it is closed. */
const firstErrors = new WeakMap<Connection, Error>();

/** Call when the connection is created: from the first byte on, data from the server can end only its own connection. */
export function guardConnection(connection: Connection, { where }: AnswerOwner): void {
  const internals = connection as unknown as Internals;
  const parse = internals.createTokenStreamParser;
  if (typeof parse !== 'function') throw bug('tedious reads tokens in an unexpected way');
  internals.createTokenStreamParser = (message, handler) => {
    const parser = parse.call(internals, counted(connection, message), watched(connection, handler));
    parser.on('error', (error: Error) => {
      if (!firstErrors.has(connection)) firstErrors.set(connection, protocolError(where, error));
    });
    return parser;
  };
  // A listener must always be attached: without one, the driver's error event would end the process.
  connection.on('error', (error: Error) => {
    if (!firstErrors.has(connection)) firstErrors.set(connection, error);
  });
}

/** Call for each socket before it connects: the server may send the session to another address. */
export function guardNewSocket(connection: Connection, socket: Socket, owner: AnswerOwner): void {
  const counting = new TokenLimits(new Answer(socket, owner));
  limits.set(connection, counting);
  sockets.set(connection, socket);
  guardSocket(socket, { where: owner.where, inspect: counting.inspect });
  socket.on('error', (error: Error) => {
    if (!firstErrors.has(connection)) firstErrors.set(connection, error);
  });
}

async function* counted(connection: Connection, message: Chunks): AsyncGenerator<Buffer> {
  for await (const chunk of message) {
    limits.get(connection)?.received(chunk.length);
    yield chunk;
  }
}

/** The driver calls a method of the handler for each token. */
function watched(connection: Connection, handler: Handler): Handler {
  const made: Record<string, (token: unknown) => void> = {};
  return new Proxy(handler, {
    get(target, name: string) {
      made[name] ??= (token: unknown) => {
        limits.get(connection)?.token(name === 'onRow');
        target[name]?.(token);
      };
      // Everything else is the handler's own state.
      return typeof target[name] === 'function' ? made[name] : target[name];
    },
  });
}

/** The login is complete. */
export function onOpened(connection: Connection): void {
  limits.get(connection)?.opened();
  const socket = sockets.get(connection);
  if (socket) answerOn(socket)?.loggedIn();
}

/** For the columns of a result, which come before its rows. `batchBytes`: what was acquired for rows that are passed on. */
export function onResult(
  connection: Connection,
  columns: number,
  areRowsKept: boolean,
  batchBytes: number,
): void {
  limits.get(connection)?.beginRows(columns, areRowsKept, batchBytes);
}

export function onPaused(connection: Connection): void {
  limits.get(connection)?.paused();
}

export function endReason(connection: Connection): Error | undefined {
  return firstErrors.get(connection);
}

export function destroyConnection(connection: Connection): void {
  connection.close();
  sockets.get(connection)?.destroy();
}

/** For how long an attention may take to leave this process. */
const attentionMs = 500;

/** Ends what runs on the connection, and then closes it. A server may notice a closed connection only when it sends rows. */
export function abandonConnection(connection: Connection): void {
  const socket = sockets.get(connection);
  if (!socket || socket.destroyed || !connection.cancel()) {
    destroyConnection(connection);
    return;
  }
  setTimeout(() => destroyConnection(connection), attentionMs).unref();
}

/** Resolves when the socket is closed: the server counts the connection until then. */
export async function closeConnection(connection: Connection, waitMs: number): Promise<void> {
  const socket = sockets.get(connection);
  if (socket && !socket.destroyed) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    socket.once('close', () => resolve());
    socket.end();
    await promise;
    clearTimeout(timer);
  }
  destroyConnection(connection);
}

export interface Await {
  readonly where: string;
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly probe?: Probe;
}

/**
 * Resolves to the result of `body`. Rejects at once if the connection ends, the signal aborts or the server is silent; the latter two
 * also close the connection.
 */
export async function answered<T>(
  connection: Connection,
  { where, silenceMs, signal, probe }: Await,
  body: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const socket = sockets.get(connection);
  if (!socket) throw bug('a connection of SQL Server is used before it is open');
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const fail = (error: unknown) => {
    reject(error);
    abandonConnection(connection);
  };
  const onEnd = () => reject(new Error('the connection has ended'));
  const onAbort = () => fail(signal?.reason);
  const heard = watchSilence(socket, { where, limitMs: silenceMs, probe }, fail);
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.on('close', onEnd);
  try {
    limits.get(connection)?.begin();
    if (socket.destroyed) throw new Error('the connection has ended');
    body().then(resolve, reject);
    return await promise;
  } catch (thrown) {
    // An error that the server sent in an answer leaves the connection open.
    throw signal?.aborted || !socket.destroyed ? thrown : (firstErrors.get(connection) ?? thrown);
  } finally {
    heard();
    limits.get(connection)?.begin();
    signal?.removeEventListener('abort', onAbort);
    socket.off('close', onEnd);
  }
}
