/**
 * Decoders of the encodings of Parquet. Each reads from `bytes`, checks every position, and fills arrays whose size the caller has limited.
 */
export interface ByteCursor {
  readonly bytes: Buffer;
  offset: number;
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new RangeError('a page ends within its values');
  return byte;
}

function varint(cursor: ByteCursor): number {
  let result = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = byteAt(cursor.bytes, cursor.offset++);
    result += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return result;
  }
  throw new RangeError('an integer in a page has too many bytes');
}

export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** The hybrid of runs and bit-packed groups: levels, and indexes of a dictionary. */
export function readHybrid(cursor: ByteCursor, width: number, output: Uint8Array | Int32Array): void {
  if (width > 32) throw new RangeError('a bit width is not possible');
  const { bytes } = cursor;
  const valueBytes = (width + 7) >> 3;
  for (let index = 0; index < output.length; ) {
    const header = varint(cursor);
    if (header % 2 === 0) {
      let value = 0;
      for (let byte = 0; byte < valueBytes; byte++) value |= byteAt(bytes, cursor.offset++) << (8 * byte);
      const end = Math.min(output.length, index + Math.floor(header / 2));
      // A run of nothing is written by some, but must not repeat forever without consuming data.
      output.fill(value, index, end);
      index = end;
    } else index = unpack(cursor, width, output, index, Math.floor(header / 2) * 8);
  }
}

/** Bit-packed values, lowest bits first. Packed groups may be longer than what is left to read. */
function unpack(
  cursor: ByteCursor,
  width: number,
  output: Uint8Array | Int32Array,
  from: number,
  packed: number,
): number {
  const { bytes } = cursor;
  const end = Math.min(output.length, from + packed);
  const start = cursor.offset;
  const neededBytes = Math.ceil(((end - from) * width) / 8);
  if (start + neededBytes > bytes.length) throw new RangeError('a page ends within its values');
  if (width === 0) output.fill(0, from, end);
  else if (width <= 24) {
    const mask = 2 ** width - 1;
    let offset = start;
    let held = 0;
    let bits = 0;
    for (let index = from; index < end; index++) {
      while (bits < width) {
        held |= (bytes[offset++] ?? 0) << bits;
        bits += 8;
      }
      output[index] = held & mask;
      held >>>= width;
      bits -= width;
    }
  } else unpackWide(bytes, start, width, output, from, end);
  cursor.offset = Math.min(bytes.length, start + (packed * width) / 8);
  return end;
}

function unpackWide(
  bytes: Buffer,
  start: number,
  width: number,
  output: Uint8Array | Int32Array,
  from: number,
  end: number,
): void {
  for (let index = from; index < end; index++)
    output[index] = Number(bitsAt(bytes, start, (index - from) * width, width));
}

/** Up to 64 bits, lowest first. */
function bitsAt(bytes: Buffer, start: number, bit: number, width: number): bigint {
  let value = 0n;
  const first = start + (bit >> 3);
  const last = start + ((bit + width - 1) >> 3);
  for (let offset = last; offset >= first; offset--) value = (value << 8n) | BigInt(byteAt(bytes, offset));
  return (value >> BigInt(bit & 7)) & ((1n << BigInt(width)) - 1n);
}

/** DELTA_BINARY_PACKED. The arithmetic wraps around at 32 or 64 bits, as the format says. */
export function readDeltas<T extends Int32Array | BigInt64Array>(cursor: ByteCursor, output: T): T {
  const blockSize = varint(cursor);
  const miniCount = varint(cursor);
  const total = varint(cursor);
  if (total < output.length) throw new RangeError('a page has fewer values than it says');
  const perMini = blockSize / miniCount;
  if (!Number.isInteger(perMini) || perMini % 8 !== 0 || perMini > 1 << 20 || miniCount > 512)
    throw new RangeError('a block of differences has an impossible size');
  const store: (index: number, value: bigint) => void =
    output instanceof Int32Array
      ? (index, value) => {
          output[index] = Number(BigInt.asIntN(32, value));
        }
      : (index, value) => {
          (output as BigInt64Array)[index] = value;
        };
  let value = zigzag64(cursor);
  if (output.length > 0) store(0, value);
  for (let index = 1; index < output.length; ) {
    const least = zigzag64(cursor);
    const widths = cursor.offset;
    cursor.offset += miniCount;
    for (let mini = 0; mini < miniCount && index < output.length; mini++) {
      const width = byteAt(cursor.bytes, widths + mini);
      if (width > 64) throw new RangeError('a bit width is not possible');
      const end = Math.min(output.length, index + perMini);
      const start = cursor.offset;
      for (let at = index; at < end; at++) {
        const delta = width === 0 ? 0n : bitsOf(cursor.bytes, start, (at - index) * width, width);
        value = BigInt.asIntN(64, value + least + delta);
        store(at, value);
      }
      index = end;
      cursor.offset = start + (perMini * width) / 8;
    }
  }
  return output;
}

/** As `bitsAt`; most widths are small enough for numbers. */
function bitsOf(bytes: Buffer, start: number, bit: number, width: number): bigint {
  if (width > 24) return bitsAt(bytes, start, bit, width);
  const first = start + (bit >> 3);
  let held = 0;
  for (let byte = 3; byte >= 0; byte--) held = held * 256 + (bytes[first + byte] ?? 0);
  if (first + ((width + (bit & 7) + 7) >> 3) > bytes.length)
    throw new RangeError('a page ends within its values');
  return BigInt(Math.floor(held / 2 ** (bit & 7)) % 2 ** width);
}

function zigzag64(cursor: ByteCursor): bigint {
  let result = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor.bytes, cursor.offset++);
    result |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, (result >> 1n) ^ -(result & 1n));
  }
  throw new RangeError('an integer in a page has too many bytes');
}

/** Where each value is, in one buffer. */
export interface ByteArrays {
  readonly bytes: Buffer;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export function readPlainByteArrays(cursor: ByteCursor, count: number): ByteArrays {
  const { bytes } = cursor;
  if (count * 4 > bytes.length - cursor.offset) throw new RangeError('a page has fewer values than it says');
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let offset = cursor.offset;
  for (let index = 0; index < count; index++) {
    const start = offset + 4;
    offset = start + (offset + 4 <= bytes.length ? bytes.readUInt32LE(offset) : Number.POSITIVE_INFINITY);
    if (offset > bytes.length) throw new RangeError('a value is longer than its page');
    starts[index] = start;
    ends[index] = offset;
  }
  cursor.offset = offset;
  return { bytes, starts, ends };
}

export function readFixedByteArrays(cursor: ByteCursor, count: number, length: number): ByteArrays {
  const { bytes, offset } = cursor;
  if (length === 0 || offset + count * length > bytes.length)
    throw new RangeError('a page has fewer values than it says');
  const starts = Int32Array.from({ length: count }, (_, index) => offset + index * length);
  cursor.offset += count * length;
  return { bytes, starts, ends: starts.map((start) => start + length) };
}

/** DELTA_LENGTH_BYTE_ARRAY. */
export function readDeltaLengths(cursor: ByteCursor, count: number): ByteArrays {
  const lengths = readDeltas(cursor, new Int32Array(count));
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const length = lengths[index] ?? 0;
    starts[index] = cursor.offset;
    cursor.offset += length;
    if (length < 0 || cursor.offset > cursor.bytes.length)
      throw new RangeError('a value is longer than its page');
    ends[index] = cursor.offset;
  }
  return { bytes: cursor.bytes, starts, ends };
}

/** DELTA_BYTE_ARRAY: each value begins like the one before it. `maxBytes` limits what they take together. */
export function readDeltaByteArrays(cursor: ByteCursor, count: number, maxBytes: number): ByteArrays {
  const prefixes = readDeltas(cursor, new Int32Array(count));
  const suffixes = readDeltaLengths(cursor, count);
  let total = 0;
  for (let index = 0; index < count; index++) {
    const before = index === 0 ? 0 : lengthAt(prefixes, suffixes, index - 1);
    if ((prefixes[index] ?? 0) < 0 || (prefixes[index] ?? 0) > before)
      throw new RangeError('a value continues one that is shorter');
    total += lengthAt(prefixes, suffixes, index);
    if (total > maxBytes) throw new RangeError(`a page has more than ${maxBytes} bytes of values`);
  }
  const bytes = Buffer.allocUnsafe(total);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const prefix = prefixes[index] ?? 0;
    const last = index === 0 ? 0 : (starts[index - 1] ?? 0);
    starts[index] = offset;
    offset += bytes.copy(bytes, offset, last, last + prefix);
    offset += suffixes.bytes.copy(bytes, offset, suffixes.starts[index], suffixes.ends[index]);
    ends[index] = offset;
  }
  return { bytes, starts, ends };
}

function lengthAt(prefixes: Int32Array, { starts, ends }: ByteArrays, index: number): number {
  return (prefixes[index] ?? 0) + (ends[index] ?? 0) - (starts[index] ?? 0);
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then their second bytes, and so on. Returns the values as in PLAIN. */
export function joinStreams(cursor: ByteCursor, count: number, width: number): Buffer {
  const { bytes, offset } = cursor;
  if (offset + count * width > bytes.length) throw new RangeError('a page has fewer values than it says');
  const joined = Buffer.allocUnsafe(count * width);
  for (let byte = 0; byte < width; byte++)
    for (let index = 0; index < count; index++)
      joined[index * width + byte] = bytes[offset + byte * count + index] ?? 0;
  cursor.offset += count * width;
  return joined;
}
