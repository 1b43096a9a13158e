import { brotliDecompressSync, crc32, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompressor } from 'hysnappy';
import { Misfit } from '../../../core/records/misfit.ts';
import type { Value } from '../../../core/values.ts';
import {
  type ByteCursor,
  bitWidth,
  joinStreams,
  readDeltaByteArrays,
  readDeltaLengths,
  readDeltas,
  readFixedByteArrays,
  readHybrid,
  readPlainByteArrays,
} from './encodings.ts';
import type { Leaf } from './schema.ts';
import { optionalSizeOf, sizeOf, structOf, ThriftReader } from './thrift.ts';
import type { ValueAt } from './values.ts';

export interface PageHeader {
  readonly kind: 'data' | 'data2' | 'dictionary' | 'other';
  readonly headerBytes: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly valueCount: number;
  readonly encoding: number;
  /** Of the second version of data pages. */
  readonly definitionBytes: number;
  readonly repetitionBytes: number;
  readonly isCompressed: boolean;
  /** Of the page as it is stored; not every writer has one. */
  readonly checksum: number | undefined;
}

/** A page of a column: for each value its levels, and the values that are there. */
export interface Page {
  readonly valueCount: number;
  /** Undefined: every value is there. */
  readonly definitions: Uint8Array | undefined;
  /** Undefined: each value is a row of its own. */
  readonly repetitions: Uint8Array | undefined;
  readonly valueAt: ValueAt;
}

/** A page is decoded as a whole. */
export const maxPageBytes = 256 * 1_024 ** 2;
/** Levels and indexes of a page take up to 6 bytes for each value, however few bytes the page has. */
const maxPageValues = 1 << 24;

/** Throws RangeError, also if the header is longer than these bytes: `isPossible` says whether more of them would help. */
export function readPageHeader(bytes: Buffer): PageHeader {
  const reader = new ThriftReader(bytes);
  const header = reader.struct();
  const kind = (['data', 'other', 'dictionary', 'data2'] as const)[sizeOf(header.get(1))] ?? 'other';
  const more = header.get(kind === 'data' ? 5 : kind === 'dictionary' ? 7 : 8);
  const details = kind === 'other' ? new Map() : structOf(more);
  const isSecond = kind === 'data2';
  const page = {
    kind,
    headerBytes: reader.offset,
    compressedBytes: sizeOf(header.get(3)),
    uncompressedBytes: sizeOf(header.get(2)),
    valueCount: kind === 'other' ? 0 : sizeOf(details.get(1)),
    encoding: kind === 'other' ? 0 : sizeOf(details.get(isSecond ? 4 : 2)),
    definitionBytes: isSecond ? (optionalSizeOf(details.get(5)) ?? 0) : 0,
    repetitionBytes: isSecond ? (optionalSizeOf(details.get(6)) ?? 0) : 0,
    isCompressed: !isSecond || details.get(7) !== false,
    checksum: typeof header.get(4) === 'number' ? Number(header.get(4)) >>> 0 : undefined,
  };
  if (page.compressedBytes > maxPageBytes || page.uncompressedBytes > maxPageBytes)
    throw new RangeError(`a page has more than ${maxPageBytes} bytes`);
  if (page.valueCount > maxPageValues) throw new RangeError(`a page has more than ${maxPageValues} values`);
  return page;
}

const codecs: Readonly<Record<number, string>> = { 3: 'LZO', 5: 'LZ4', 7: 'LZ4_RAW' };
let snappy: ReturnType<typeof snappyUncompressor> | undefined;

function decompress(bytes: Buffer, codec: number, size: number): Buffer {
  const result = decompressed(bytes, codec, size);
  if (result.length !== size) throw new RangeError('a page has another size than it says');
  return result;
}

function decompressed(bytes: Buffer, codec: number, size: number): Buffer {
  const limit = { maxOutputLength: Math.max(1, size) };
  switch (codec) {
    case 0:
      return bytes;
    case 1: {
      // The decoder takes the size from the data. With another size it would return what an earlier page has left in its memory.
      if (snappySize(bytes) !== size) throw new RangeError('a page has another size than it says');
      snappy ??= snappyUncompressor();
      const result = snappy(bytes, size);
      return Buffer.from(result.buffer, result.byteOffset, result.byteLength);
    }
    case 2:
      return gunzipSync(bytes, limit);
    case 4:
      return brotliDecompressSync(bytes, limit);
    case 6:
      return zstdDecompressSync(bytes, limit);
    default:
      throw new RangeError(
        `the compression ${codecs[codec] ?? codec} is not supported; write the file with snappy, zstd, gzip or brotli`,
      );
  }
}

function snappySize(bytes: Buffer): number {
  return bytes.length === 0 ? -1 : new ThriftReader(bytes).varint();
}

export function requireChecksum({ checksum }: PageHeader, body: Buffer): void {
  if (checksum !== undefined && crc32(body) !== checksum)
    throw new RangeError('a page has another checksum than it says');
}

export function readDictionary(header: PageHeader, body: Buffer, codec: number, leaf: Leaf): ValueAt {
  const bytes = decompress(body, codec, header.uncompressedBytes);
  const make = plainValues(leaf, { bytes, offset: 0 }, header.valueCount);
  // Each value is made once, whatever the number of rows that have it.
  const values = Array.from({ length: header.valueCount }, (_, index) => orMisfit(make, index));
  return (index) => {
    const value = values[index];
    if (value === undefined) throw new RangeError('an index is not in its dictionary');
    if (value instanceof Misfit) throw value;
    return value;
  };
}

function orMisfit(make: ValueAt, index: number): Value | Misfit {
  try {
    return make(index);
  } catch (thrown) {
    if (thrown instanceof Misfit) return thrown;
    throw thrown;
  }
}

export function readDataPage(
  header: PageHeader,
  body: Buffer,
  codec: number,
  leaf: Leaf,
  dictionary: ValueAt | undefined,
): Page {
  const { valueCount } = header;
  const { levels, values } =
    header.kind === 'data2' ? splitSecond(header, body, codec) : splitFirst(header, body, codec);
  const repetitions =
    leaf.maxRepetition > 0 ? readLevels(levels.repetitions, leaf.maxRepetition, valueCount) : undefined;
  if (header.kind === 'data') levels.definitions.offset = levels.repetitions.offset;
  const definitions =
    leaf.maxDefinition > 0 ? readLevels(levels.definitions, leaf.maxDefinition, valueCount) : undefined;
  if (header.kind === 'data') values.offset = Math.max(levels.definitions.offset, levels.repetitions.offset);
  const present = definitions ? countOf(definitions, leaf.maxDefinition) : valueCount;
  const isComplete = present === valueCount;
  return {
    valueCount,
    definitions: isComplete && leaf.maxDefinition <= 1 ? undefined : definitions,
    repetitions,
    valueAt: readValues(header.encoding, leaf, values, present, dictionary),
  };
}

interface LevelCursors {
  readonly definitions: LevelCursor;
  readonly repetitions: LevelCursor;
}
interface LevelCursor extends ByteCursor {
  /** Undefined: the length is written before them. */
  readonly end?: number;
}

function splitFirst(header: PageHeader, body: Buffer, codec: number) {
  const bytes = decompress(body, codec, header.uncompressedBytes);
  const cursors: LevelCursors = { definitions: { bytes, offset: 0 }, repetitions: { bytes, offset: 0 } };
  return { levels: cursors, values: { bytes, offset: 0 } };
}

/** Levels come first, and are never compressed. */
function splitSecond(header: PageHeader, body: Buffer, codec: number) {
  const { repetitionBytes, definitionBytes } = header;
  const levelBytes = repetitionBytes + definitionBytes;
  if (levelBytes > body.length || levelBytes > header.uncompressedBytes)
    throw new RangeError('the levels of a page are longer than the page');
  const rest = body.subarray(levelBytes);
  const size = header.uncompressedBytes - levelBytes;
  const bytes = header.isCompressed ? decompress(rest, codec, size) : rest;
  const cursors: LevelCursors = {
    repetitions: { bytes: body.subarray(0, repetitionBytes), offset: 0, end: repetitionBytes },
    definitions: { bytes: body.subarray(repetitionBytes, levelBytes), offset: 0, end: definitionBytes },
  };
  return { levels: cursors, values: { bytes, offset: 0 } };
}

function readLevels(cursor: LevelCursor, max: number, count: number): Uint8Array {
  const levels = new Uint8Array(count);
  if (cursor.end !== undefined) {
    readHybrid(cursor, bitWidth(max), levels);
  } else {
    const start = cursor.offset + 4;
    const length = cursor.bytes.readUInt32LE(cursor.offset);
    if (start + length > cursor.bytes.length)
      throw new RangeError('the levels of a page are longer than the page');
    readHybrid({ bytes: cursor.bytes.subarray(0, start + length), offset: start }, bitWidth(max), levels);
    cursor.offset = start + length;
  }
  for (const level of levels) if (level > max) throw new RangeError('a level is higher than its column has');
  return levels;
}

function countOf(levels: Uint8Array, level: number): number {
  let count = 0;
  for (const each of levels) if (each === level) count += 1;
  return count;
}

function readValues(
  encoding: number,
  leaf: Leaf,
  cursor: ByteCursor,
  count: number,
  dictionary: ValueAt | undefined,
): ValueAt {
  const { physical, length } = leaf.node;
  switch (encoding) {
    case 0:
      return plainValues(leaf, cursor, count);
    case 2:
    case 8: {
      if (!dictionary) throw new RangeError('a page refers to a dictionary that is not there');
      const indexes = new Int32Array(count);
      // A page without values may have no bit width either.
      if (count > 0) readHybrid(cursor, byteOf(cursor), indexes);
      return (index) => dictionary(indexes[index] ?? -1);
    }
    case 3: {
      if (physical !== 'BOOLEAN') break;
      const bits = new Uint8Array(count);
      cursor.offset += 4;
      readHybrid(cursor, 1, bits);
      return (index) => bits[index] === 1;
    }
    case 5:
      if (physical === 'INT32') return numbersOf(leaf, readDeltas(cursor, new Int32Array(count)));
      if (physical === 'INT64') return numbersOf(leaf, readDeltas(cursor, new BigInt64Array(count)));
      break;
    case 6:
      if (physical === 'BYTE_ARRAY') return bytesOf(leaf, readDeltaLengths(cursor, count));
      break;
    case 7:
      if (physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY')
        return bytesOf(leaf, requireLengths(readDeltaByteArrays(cursor, count, maxPageBytes), leaf));
      break;
    case 9: {
      const width = widths[physical ?? ''] ?? length;
      if (width === 0) break;
      return plainValues(leaf, { bytes: joinStreams(cursor, count, width), offset: 0 }, count);
    }
  }
  throw new RangeError(`the encoding ${encoding} of ${physical} is not supported`);
}

const widths: Readonly<Record<string, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8 };

/** Values of a fixed length are read by their position later. */
function requireLengths(values: ReturnType<typeof readDeltaByteArrays>, { node }: Leaf) {
  if (node.physical !== 'FIXED_LEN_BYTE_ARRAY') return values;
  for (let index = 0; index < values.starts.length; index++)
    if ((values.ends[index] ?? 0) - (values.starts[index] ?? 0) !== node.length)
      throw new RangeError('a value has not the length of its column');
  return values;
}

function byteOf(cursor: ByteCursor): number {
  const byte = cursor.bytes[cursor.offset++];
  if (byte === undefined) throw new RangeError('a page ends within its values');
  return byte;
}

function plainValues(leaf: Leaf, cursor: ByteCursor, count: number): ValueAt {
  switch (leaf.node.physical) {
    case 'BOOLEAN':
      return plainBooleans(cursor, count);
    case 'INT32':
      return numbersOf(leaf, aligned(cursor, count, Int32Array));
    case 'FLOAT':
      return numbersOf(leaf, aligned(cursor, count, Float32Array));
    case 'INT64':
      return numbersOf(leaf, aligned(cursor, count, BigInt64Array));
    case 'DOUBLE':
      return numbersOf(leaf, aligned(cursor, count, Float64Array));
    case 'INT96':
      return bytesOf(leaf, readFixedByteArrays(cursor, count, 12));
    case 'FIXED_LEN_BYTE_ARRAY':
      return bytesOf(leaf, readFixedByteArrays(cursor, count, leaf.node.length));
    default:
      return bytesOf(leaf, readPlainByteArrays(cursor, count));
  }
}

function plainBooleans({ bytes, offset }: ByteCursor, count: number): ValueAt {
  if (offset + Math.ceil(count / 8) > bytes.length)
    throw new RangeError('a page has fewer values than it says');
  return (index) => (((bytes[offset + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1;
}

interface NumberArray<T> {
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** A typed array needs an aligned position, so values that are not at one are copied. */
function aligned<T>({ bytes, offset }: ByteCursor, count: number, kind: NumberArray<T>): T {
  const width = kind.BYTES_PER_ELEMENT;
  if (offset + count * width > bytes.length) throw new RangeError('a page has fewer values than it says');
  const start = bytes.byteOffset + offset;
  if (start % width === 0) return new kind(bytes.buffer, start, count);
  return new kind(new Uint8Array(bytes.subarray(offset, offset + count * width)).buffer, 0, count);
}

function numbersOf(leaf: Leaf, values: Int32Array | BigInt64Array | Float32Array | Float64Array): ValueAt {
  if (!leaf.type.fromNumbers) throw new RangeError('a column has a type that its values do not have');
  return leaf.type.fromNumbers(values);
}

function bytesOf(leaf: Leaf, values: ReturnType<typeof readPlainByteArrays>): ValueAt {
  if (!leaf.type.fromBytes) throw new RangeError('a column has a type that its values do not have');
  return leaf.type.fromBytes(values);
}
