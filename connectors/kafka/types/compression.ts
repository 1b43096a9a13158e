import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { WireError } from '../connection/wire.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';

export const codecs = { None: 0, Gzip: 1, Snappy: 2, LZ4: 3, Zstd: 4 } as const;
export type Compression = keyof typeof codecs;

/** A batch that is larger when it is unpacked is damaged, or made to exhaust the memory. */
export const maxUnpackedBytes = 128 * 1024 * 1024;

const [unGzip, toGzip, unZstd, toZstd] = [gunzip, gzip, zstdDecompress, zstdCompress].map((each) =>
  promisify(
    each as (input: Buffer, options: object, done: (error: Error | null, out: Buffer) => void) => void,
  ),
) as [Coder, Coder, Coder, Coder];
type Coder = (input: Buffer, options: object) => Promise<Buffer>;

/** Throws WireError for damaged input, and for output of more than `maxUnpackedBytes`. */
export async function decompress(
  codec: number,
  input: Buffer,
  limit: number = maxUnpackedBytes,
): Promise<Buffer> {
  switch (codec) {
    case codecs.None:
      return input;
    case codecs.Gzip:
      return await checked('gzip', unGzip(input, { maxOutputLength: limit }));
    case codecs.Snappy:
      return decompressSnappy(input, limit);
    case codecs.LZ4:
      return decompressLz4(input, limit);
    case codecs.Zstd:
      return await checked('zstd', unZstd(input, { maxOutputLength: limit }));
    default:
      throw new WireError(`unknown compression ${codec}`);
  }
}

async function checked(name: string, unpacking: Promise<Buffer>): Promise<Buffer> {
  try {
    return await unpacking;
  } catch (thrown) {
    throw new WireError(`${name}: ${(thrown as Error).message}`);
  }
}

/** Gzip and Zstd work in another thread. */
export async function compress(compression: Compression, input: Buffer): Promise<Buffer> {
  switch (compression) {
    case 'None':
      return input;
    case 'Gzip':
      return await toGzip(input, { level: 6 });
    case 'Snappy':
      return compressSnappy(input);
    case 'LZ4':
      return compressLz4(input);
    case 'Zstd':
      return await toZstd(input, {});
  }
}
