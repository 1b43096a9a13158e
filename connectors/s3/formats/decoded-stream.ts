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
  // As objects, so that chunks stay apart as they are.
  const source =
    compression === 'Zstd'
      ? Readable.from(zstdFrames(chunks), { highWaterMark: 4 })
      : Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1_024 });
  const decoder = decoderOf(compression);
  let sourceError: Error | undefined;
  source.on('error', (error) => {
    sourceError = error;
    decoder.destroy(error);
  });
  try {
    for await (const chunk of source.pipe(decoder)) yield chunk as Buffer;
  } catch (thrown) {
    throw sourceError ?? thrown;
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function decoderOf(compression: Exclude<Compression, 'None'>): Transform {
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
