import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection } from 'mysql2';
import { protocolError } from '../../../core/error-class.ts';
import { bug } from '../../../core/errors.ts';
import { Answer, type AnswerOwner } from '../../sql/connection/answer.ts';
import { guardSocket } from '../../sql/connection/guarded-socket.ts';
import { type Probe, watchSilence } from '../../sql/connection/silence.ts';
import { PacketLimits } from './message-limits.ts';

/** Properties that the driver has but its types do not declare. */
interface Internals {
  stream: Socket;
  startTLS(onSecure: (error?: Error) => void): void;
  readonly packetParser: { readonly _reusablePacket: object };
}
interface Packet {
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
  parseIntNoBigCheck(length: number | null): number | null;
  readLengthCodedNumberExt(tag: number | undefined, ...more: readonly unknown[]): unknown;
}

/** A server or network that sends packets out of order: the driver only warns and continues. */
const maxWarnings = 3;
const limits = new WeakMap<Connection, PacketLimits>();
/** The error that ended a connection. Later callers would otherwise only see that it is closed. */
const firstErrors = new WeakMap<Connection, Error>();

const requireOfDriver = createRequire(createRequire(import.meta.url).resolve('mysql2'));

/**
 * The driver refuses results with a column named `__proto__` and closes the connection, since the name would become a property of each
 * row. Here rows are arrays, so column names never become properties.
 */
export function allowAllColumnNames(): void {
  const { privateObjectProps } = requireOfDriver('./lib/helpers.js') as {
    readonly privateObjectProps?: Set<string>;
  };
  if (!(privateObjectProps instanceof Set)) throw bug('mysql2 refuses names in an unexpected way');
  privateObjectProps.clear();
}

/** A column of a result. The last two are sent by MariaDB only. */
interface Field {
  readonly name: string;
  readonly extendedTypeName?: string;
  readonly extendedFormat?: string;
}

const { clearParserCache: forgetCompiled } = requireOfDriver('mysql2') as {
  readonly clearParserCache: () => void;
};

type OnRow = (this: unknown, packet: Packet, ...more: readonly unknown[]) => unknown;

/**
 * The driver ignores bytes after the values of a row. A value of type Buffer keeps all of its packet in memory, but only its own bytes
 * are counted for the batch.
 */
export function refuseBytesAfterValues(): void {
  const { prototype } = requireOfDriver('./lib/commands/query.js') as { readonly prototype: { row: OnRow } };
  const { row } = prototype;
  if (typeof row !== 'function') throw bug('mysql2 reads rows in an unexpected way');
  prototype.row = function (packet, ...more) {
    const isRow = !packet.isEOF();
    const next = row.call(this, packet, ...more);
    if (isRow && packet.offset < packet.end) throw new Error('a row with bytes after its values');
    return next;
  };
}

/** Call this when the connection is created: from the first byte on, data from the server can end only its own connection. */
export function guardConnection(connection: Connection, owner: AnswerOwner): void {
  const { where } = owner;
  const internals = internalsOf(connection);
  boundIntegers(internals);
  const guard = () => {
    const packets = new PacketLimits(new Answer(internals.stream, owner));
    limits.set(connection, packets);
    guardSocket(internals.stream, { where, inspect: packets.inspect });
  };
  guard();
  const startTls = internals.startTLS;
  internals.startTLS = (onSecure) => {
    startTls.call(internals, onSecure);
    guard();
  };
  // A listener must always be attached: without one, the driver's error event would end the process.
  connection.on('error', (error: Error & { readonly code?: string }) => {
    const isProtocol = error.code === 'PROTOCOL_ERROR' || error.code === 'PROTOCOL_UNEXPECTED_PACKET';
    if (!firstErrors.has(connection))
      firstErrors.set(connection, isProtocol ? protocolError(where, error) : error);
  });
  let warnings = 0;
  connection.on('warn', (warning: Error) => {
    warnings += 1;
    if (warnings > maxWarnings) throw warning;
    swallowNextLine();
  });
}

/** The driver prints the warning to stderr, bypassing the log, right after it emits it. */
function swallowNextLine(): void {
  const print = console.error;
  const swallow = () => restore();
  const restore = () => {
    if (console.error === swallow) console.error = print;
  };
  console.error = swallow;
  queueMicrotask(restore);
}

/** The maximum for a table. The driver compiles a function for the columns of a result, however many the server announces. */
const maxColumns = 4_096;

/** What the driver keeps for a column, beside its texts: measured and rounded up. */
const compiledColumnBytes = 512;
const mostCompiledBytes = 16 * 1_024 ** 2;
let compiledBytes = 0;

/**
 * The driver keeps a function for each list of columns that any server has ever sent, up to 15,000 of any size. Here all are forgotten
 * whenever the results since the last time would have filled the limit.
 */
function boundCompiled(fields: readonly unknown[]): void {
  const texts = ({ name, extendedTypeName = '', extendedFormat = '' }: Field) =>
    name.length + extendedTypeName.length + extendedFormat.length;
  const bytes = (fields as readonly Field[]).reduce(
    (sum, field) => sum + compiledColumnBytes + 2 * texts(field),
    0,
  );
  if (compiledBytes + bytes > mostCompiledBytes) {
    forgetCompiled();
    compiledBytes = 0;
  }
  compiledBytes += bytes;
}

/**
 * For the `fields` event of a query, which is emitted before the driver compiles its row function and before the rows. `batchBytes`: what
 * was acquired for rows that are streamed.
 */
export function onResult(
  connection: Connection,
  fields: readonly unknown[] | undefined,
  areRowsKept: boolean,
  batchBytes = 0,
): void {
  const columns = fields?.length ?? 0;
  if (columns > maxColumns) throw new Error(`a result of ${columns} columns`);
  if (fields) boundCompiled(fields);
  limits.get(connection)?.beginRows(columns, areRowsKept, batchBytes);
}

/** The driver's own `destroy` waits for the server to close its side. */
export function destroyConnection(connection: Connection): void {
  connection.destroy();
  internalsOf(connection).stream.destroy();
}

/**
 * Resolves when the server has closed its side, because it counts the connection until then; the driver's `end` does not wait for that. A
 * server that does not close it would keep our side open.
 */
export async function closeConnection(connection: Connection, waitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  socketOf(connection).once('close', () => resolve());
  connection.end(() => {});
  await promise;
  clearTimeout(timer);
  destroyConnection(connection);
}

export function isEncrypted(connection: Connection): boolean {
  return socketOf(connection) instanceof TLSSocket;
}

/** The socket changes when TLS starts. */
export function socketOf(connection: Connection): Socket {
  return internalsOf(connection).stream;
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
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const fail = (error: unknown) => {
    reject(error);
    destroyConnection(connection);
  };
  const onEnd = () => reject(new Error('the connection has ended'));
  const onAbort = () => fail(signal?.reason);
  const stream = internalsOf(connection).stream;
  const heard = watchSilence(stream, { where, limitMs: silenceMs, probe }, fail);
  signal?.addEventListener('abort', onAbort, { once: true });
  connection.on('error', reject);
  connection.on('end', onEnd);
  stream.on('close', onEnd);
  try {
    limits.get(connection)?.begin();
    body().then(resolve, reject);
    return await promise;
  } catch (thrown) {
    throw signal?.aborted ? thrown : (firstErrors.get(connection) ?? thrown);
  } finally {
    heard();
    limits.get(connection)?.begin();
    signal?.removeEventListener('abort', onAbort);
    connection.off('error', reject);
    connection.off('end', onEnd);
    stream.off('close', onEnd);
  }
}

/** NULL, and lengths of two, three and eight bytes, begin with one of four tags; this is the largest. */
const largestTag = 0xfe;

/** The driver reads as many digits as the server announces, even beyond the end of the packet. */
function boundIntegers({ packetParser }: Internals): void {
  const packet = Object.getPrototypeOf(packetParser._reusablePacket) as Packet & { isBounded?: true };
  if (packet.isBounded) return;
  const { parseIntNoBigCheck } = packet;
  if (typeof parseIntNoBigCheck !== 'function') throw bug('mysql2 reads integers in an unexpected way');
  packet.parseIntNoBigCheck = function (this: Packet, length) {
    if (length !== null && length > this.end - this.offset)
      throw new Error('a number that extends beyond its packet');
    return parseIntNoBigCheck.call(this, length);
  };
  const { readLengthCodedNumberExt } = packet;
  packet.readLengthCodedNumberExt = function (this: Packet, tag, ...more) {
    // The driver would print a stack trace to stderr here.
    if (tag === undefined || tag > largestTag) throw new Error(`an invalid length prefix ${tag}`);
    return readLengthCodedNumberExt.call(this, tag, ...more);
  };
  packet.isBounded = true;
}

function internalsOf(connection: Connection): Internals {
  return connection as unknown as Internals;
}
