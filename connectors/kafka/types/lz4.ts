import { WireError } from '../connection/wire.ts';

/** The LZ4 frame format, as Kafka's clients write it. */
const magic = 0x184d2204;
const minMatch = 4;
/** The end of a block is always literal, by the rules of the format. */
const lastLiterals = 12;
const blockBytes = 65_536;
const hashBits = 14;

const damaged = (what: string) => new WireError(`LZ4: ${what}`);

/** Throws WireError for damaged input, and if the output would be longer than `limit`. */
export function decompressLz4(input: Buffer, limit: number): Buffer {
  if (input.length < 7 || input.readUInt32LE(0) !== magic) throw damaged('no frame');
  const flags = input[4] as number;
  let at = 6 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4) + 1;
  const trailer = (flags & 0x10) === 0 ? 0 : 4;
  let output = Buffer.allocUnsafe(Math.min(limit, Math.max(4 * input.length, 1_024)));
  let length = 0;
  for (;;) {
    if (at + 4 > input.length) throw damaged('the end of the frame is missing');
    const head = input.readUInt32LE(at);
    at += 4;
    if (head === 0) return output.subarray(0, length);
    const size = head & 0x7fffffff;
    if (size > input.length - at) throw damaged('a block is cut');
    // A byte of input is at most 255 bytes of output, and a block of this frame at most 4 MiB.
    const most = Math.min(head >>> 31 ? size : size * 255, 4 << 20);
    if (length + most > output.length) {
      const larger = Buffer.allocUnsafe(Math.min(limit + 1, Math.max(2 * output.length, length + most)));
      output.copy(larger, 0, 0, length);
      output = larger;
    }
    length =
      head >>> 31 ? copyBlock(input, at, size, output, length) : block(input, at, size, output, length);
    if (length > limit) throw damaged(`more than ${limit} bytes`);
    at += size + trailer;
  }
}

function copyBlock(input: Buffer, at: number, size: number, output: Buffer, length: number): number {
  if (length + size > output.length) throw damaged('an output that is too long');
  input.copy(output, length, at, at + size);
  return length + size;
}

/** Returns the length of the output after the block. */
function block(input: Buffer, from: number, size: number, output: Buffer, start: number): number {
  const end = from + size;
  let [at, to] = [from, start];
  while (at < end) {
    const token = input[at++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= end) throw damaged('a length is cut');
        more = input[at++] as number;
        literals += more;
      } while (more === 255);
    }
    if (literals > end - at || literals > output.length - to) throw damaged('literals are cut');
    if (literals > 16) input.copy(output, to, at, at + literals);
    else for (let index = 0; index < literals; index++) output[to + index] = input[at + index] as number;
    at += literals;
    to += literals;
    if (at === end) return to;
    if (at + 2 > end) throw damaged('a distance is cut');
    const distance = (input[at] as number) | ((input[at + 1] as number) << 8);
    at += 2;
    let match = (token & 15) + minMatch;
    if (match === 15 + minMatch) {
      let more: number;
      do {
        if (at >= end) throw damaged('a length is cut');
        more = input[at++] as number;
        match += more;
      } while (more === 255);
    }
    if (distance === 0 || distance > to || match > output.length - to)
      throw damaged('a match outside of the output');
    to = copyMatch(output, to, distance, match);
  }
  throw damaged('a block without its last literals');
}

/** Source and target may overlap: then the last bytes are repeated. */
export function copyMatch(output: Buffer, to: number, distance: number, length: number): number {
  const from = to - distance;
  if (distance >= length && length > 16) output.copyWithin(to, from, from + length);
  else for (let index = 0; index < length; index++) output[to + index] = output[from + index] as number;
  return to + length;
}

export function compressLz4(input: Buffer): Buffer {
  const blocks = Math.ceil(input.length / blockBytes);
  const output = Buffer.allocUnsafe(15 + input.length + Math.ceil(input.length / 255) + blocks * 32);
  output.writeUInt32LE(magic, 0);
  // Version 1, independent blocks of 64 KiB, and the checksum of these two bytes.
  output[4] = 0x60;
  output[5] = 0x40;
  output[6] = 0x82;
  let to = 7;
  const table = new Int32Array(1 << hashBits);
  for (let from = 0; from < input.length; from += blockBytes) {
    const end = Math.min(from + blockBytes, input.length);
    const length = compressBlock(input, from, end, output, to + 4, table);
    if (length < end - from) {
      output.writeUInt32LE(length, to);
      to += 4 + length;
    } else {
      output.writeUInt32LE(((end - from) | 0x80000000) >>> 0, to);
      input.copy(output, to + 4, from, end);
      to += 4 + end - from;
    }
  }
  output.writeUInt32LE(0, to);
  return output.subarray(0, to + 4);
}

/** Greedy, by a table of the last position of each four bytes. Returns the length of the block. */
function compressBlock(
  input: Buffer,
  from: number,
  end: number,
  output: Buffer,
  start: number,
  table: Int32Array,
): number {
  table.fill(-1);
  let [at, anchor, to] = [from, from, start];
  const last = end - lastLiterals;
  while (at < last) {
    const word = wordAt(input, at);
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const found = table[hash] as number;
    table[hash] = at;
    if (found < 0 || at - found > 65_535 || wordAt(input, found) !== word) {
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let match = minMatch;
    while (at + match < end - 5 && input[at + match] === input[found + match]) match++;
    to = writeSequence(input, anchor, at, output, to, match - minMatch);
    output[to++] = (at - found) & 0xff;
    output[to++] = (at - found) >>> 8;
    to = writeRest(output, to, match - minMatch);
    at += match;
    anchor = at;
  }
  return writeSequence(input, anchor, end, output, to, 0) - start;
}

/** The token and its literals. */
function writeSequence(
  input: Buffer,
  from: number,
  to: number,
  output: Buffer,
  at: number,
  match: number,
): number {
  const literals = to - from;
  let next = at + 1;
  output[at] = (Math.min(literals, 15) << 4) | Math.min(match, 15);
  next = writeRest(output, next, literals);
  input.copy(output, next, from, to);
  return next + literals;
}

/** What of a length is above the 15 of its token. */
function writeRest(output: Buffer, at: number, length: number): number {
  if (length < 15) return at;
  let next = at;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) output[next++] = 255;
  output[next++] = rest;
  return next;
}

export function wordAt(input: Buffer, at: number): number {
  return (
    (input[at] as number) |
    ((input[at + 1] as number) << 8) |
    ((input[at + 2] as number) << 16) |
    ((input[at + 3] as number) << 24)
  );
}
