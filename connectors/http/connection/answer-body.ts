import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { orAborted } from '../../../core/aborted.ts';
import type { Clock } from '../../../core/clock.ts';
import { permanent, transient } from '../../../core/errors.ts';

const mebibyte = 1_024 ** 2;

/** What a body may take. Tests have smaller limits. */
export interface BodyLimits {
  /** Of one answer, after decompression: a small compressed body can become any size. */
  readonly maxBytes: number;
  /** Of a body that is read as a whole: a token, the answer to a write. */
  readonly maxWholeBytes: number;
  /** No byte arrives for this time. */
  readonly silenceMs: number;
  /** A body may take this time, and more in proportion to its size. */
  readonly patienceMs: number;
}

export const usualLimits: BodyLimits = {
  maxBytes: 1_024 * mebibyte,
  maxWholeBytes: 8 * mebibyte,
  silenceMs: 30_000,
  patienceMs: 120_000,
};
const leastBytesPerSecond = 8_192;
/** Chunks of a few bytes are mostly framing, and cost far more than their bytes. */
const mostFramingBytes = 4 * mebibyte;
const mostFramingRatio = 3;

export const acceptedEncodings = 'gzip, deflate, br';

export interface RawBody {
  readonly stream: Readable;
  /** Content-Encoding. */
  readonly encoding: string | undefined;
  /** What the connection has received for this body, with its framing. */
  readonly receivedBytes: () => number;
}

export interface BodyOptions {
  /** For messages: the DataSource and the call. */
  readonly where: string;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/**
 * The decompressed body in chunks. Only the time is counted in which this waits for the server: a destination may be slower. Whatever ends
 * the iteration also closes the connection, unless the body was read to its end.
 */
export async function* bodyOf(
  raw: RawBody,
  options: BodyOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const { stream, receivedBytes } = raw;
  let rawBytes = 0;
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    rawBytes += chunk.length;
  });
  stream.pause();
  const body = decompressed(raw, options);
  const pace = new Pace(options);
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await pace.within(chunks.next(), rawBytes, signal);
      if (next.done) return;
      bytes += next.value.length;
      if (bytes > options.limits.maxBytes) throw tooLarge(options);
      const framing = receivedBytes();
      if (framing > mostFramingBytes && framing > mostFramingRatio * rawBytes) throw tooManyPieces(options);
      yield next.value;
    }
  } finally {
    body.destroy();
    stream.destroy();
  }
}

/** A small body as a whole. */
export async function wholeBody(raw: RawBody, options: BodyOptions, signal: AbortSignal): Promise<Buffer> {
  const { limits } = options;
  const whole = { ...options, limits: { ...limits, maxBytes: limits.maxWholeBytes } };
  const chunks: Buffer[] = [];
  for await (const chunk of bodyOf(raw, whole, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function decompressed({ stream, encoding = '' }: RawBody, { where }: BodyOptions): Readable {
  const coding = encoding.trim().toLowerCase();
  if (coding === '' || coding === 'identity') return stream;
  const decoder = decoderOf(coding);
  // The error of either is that of the decoder, which is the one that is read.
  if (decoder) return pipeline(stream, decoder, () => {});
  throw permanent('AnswerInvalid', `${where}: the answer is encoded in a way that was not asked for`, {
    fix: `the API must answer without Content-Encoding, or with one of ${acceptedEncodings}`,
  });
}

function decoderOf(coding: string) {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** How long a body may take: a server that sends a byte now and then would otherwise hold a pass forever. */
class Pace {
  readonly #options: BodyOptions;
  #waitedMs = 0;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  async within<T>(next: Promise<T>, bytes: number, signal: AbortSignal): Promise<T> {
    const { clock, where, limits } = this.#options;
    const startMs = clock.monotonicMs();
    const patience = limits.patienceMs + (bytes / leastBytesPerSecond) * 1_000;
    const limitMs = Math.max(1, Math.min(limits.silenceMs, patience - this.#waitedMs));
    const isOver = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    clock.sleep(limitMs, isOver.signal).then(
      () => reject(tooSlow(where)),
      () => {},
    );
    try {
      return await orAborted(Promise.race([next, late]), signal);
    } finally {
      isOver.abort();
      next.catch(() => {});
      this.#waitedMs += clock.monotonicMs() - startMs;
    }
  }
}

function tooSlow(where: string): Error {
  return transient('SystemTimeout', `${where}: the answer arrives too slowly`, {
    fix: 'nothing if it is temporary: it is retried; ask for smaller pages if answers are large',
  });
}

function tooLarge({ where, limits: { maxBytes } }: BodyOptions): Error {
  return permanent(
    'AnswerTooLarge',
    `${where}: the answer is larger than ${Math.floor(maxBytes / mebibyte)} MiB`,
    { fix: 'ask for smaller pages (source.paging.limit), or for fewer rows by parameters in path' },
  );
}

function tooManyPieces({ where }: BodyOptions): Error {
  return permanent('ProtocolBroken', `${where}: the server sends its answer in very small pieces`, {
    fix: 'check that url is that of the API, and look at what answers there',
  });
}
