import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { zstdFrames } from './zstd-frames.ts';

export const textCompressions = ['None', 'Gzip', 'Zstd'] as const;
export type Compression = (typeof textCompressions)[number];

/** By the end of its name, where the manifest does not say it. */
export function compressionOf(key: string, given: Compression | undefined): Compression {
  if (given !== undefined) return given;
  if (/\.(gz|gzip)$/i.test(key)) return 'Gzip';
  return /\.(zst|zstd)$/i.test(key) ? 'Zstd' : 'None';
}

/** What a window of Zstd may take: 128 MiB, as with the command line tool's default. */
const maxWindowLog = 27;

/** Something else than padding is behind the compressed data: the decoder would end there without a word. */
export class DataBehindEnd extends Error {
  readonly code: string = 'Z_DATA_BEHIND_END';
}

/** What was given to a decoder of Gzip, which ends at the first zero behind a part, as `tar` and tapes pad, and leaves the rest untouched. */
class GivenBytes {
  readonly #decoder: Transform & { readonly bytesWritten: number };
  #kept: Buffer[] = [];
  /** Position of the first of them. */
  #start = 0;

  constructor(decoder: Transform & { readonly bytesWritten: number }) {
    this.#decoder = decoder;
  }

  async *of(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#forgetTaken();
      this.#kept.push(chunk);
      yield chunk;
    }
  }

  #forgetTaken(): void {
    for (let first = this.#kept[0]; first; first = this.#kept[0]) {
      if (this.#start + first.length > this.#decoder.bytesWritten) return;
      this.#start += first.length;
      this.#kept.shift();
    }
  }

  /** Once the decoder has ended. Throws DataBehindEnd. */
  requirePadding(): void {
    this.#forgetTaken();
    for (const chunk of this.#kept.splice(0)) {
      const rest = chunk.subarray(Math.max(0, this.#decoder.bytesWritten - this.#start));
      if (rest.some((byte) => byte !== 0)) throw new DataBehindEnd('data behind the end of compressed data');
      this.#start += chunk.length;
    }
  }
}

/**
 * The content of an object without its compression. Several compressed parts behind each other are one content, as these formats say. Errors
 * of the source stay what they are; others are about the compressed data.
 */
export async function* decompressed(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  if (compression === 'None') {
    yield* chunks;
    return;
  }
  const decoder = decoderOf(compression);
  const given = new GivenBytes(decoder);
  // As objects, so that chunks stay apart as they are.
  const source =
    compression === 'Zstd'
      ? Readable.from(zstdFrames(chunks), { highWaterMark: 4 })
      : Readable.from(given.of(chunks), { objectMode: false, highWaterMark: 256 * 1_024 });
  let sourceError: Error | undefined;
  source.on('error', (error) => {
    sourceError = error;
    decoder.destroy(error);
  });
  try {
    for await (const chunk of source.pipe(decoder)) yield chunk as Buffer;
    given.requirePadding();
    // Only where the decoder has ended before the object.
    for await (const _ of source) given.requirePadding();
  } catch (thrown) {
    throw sourceError ?? thrown;
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function decoderOf(compression: Exclude<Compression, 'None'>) {
  const options = { chunkSize: 256 * 1_024 };
  if (compression === 'Gzip') return createGunzip(options);
  return createZstdDecompress({ ...options, params: { [zstdWindowLogMax]: maxWindowLog } });
}

/** ZSTD_d_windowLogMax. */
const zstdWindowLogMax = 100;

/** Text of an encoding as UTF-8. Throws a TypeError at bytes that are no text of it. */
export async function* asUtf8(chunks: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}
