import { WireError } from '../connection/wire.ts';
import { copyMatch, wordAt } from './lz4.ts';

/** Snappy blocks: bare as librdkafka writes them, or several behind the header of snappy-java as Java clients write them. */
const javaHeader = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
const javaBlockBytes = 32_768;
const hashBits = 13;

const damaged = (what: string) => new WireError(`Snappy: ${what}`);

/** Throws WireError for damaged input, and if the output would be longer than `limit`. */
export function decompressSnappy(input: Buffer, limit: number): Buffer {
  if (input.compare(javaHeader, 0, 8, 0, 8) !== 0 || input.length < 16) return block(input, limit);
  const blocks: Buffer[] = [];
  let length = 0;
  for (let at = 16; at < input.length; ) {
    if (at + 4 > input.length) throw damaged('a length is cut');
    const size = input.readInt32BE(at);
    at += 4;
    if (size < 0 || size > input.length - at) throw damaged('a block is cut');
    const output = block(input.subarray(at, at + size), limit - length);
    blocks.push(output);
    length += output.length;
    at += size;
  }
  return Buffer.concat(blocks, length);
}

function block(input: Buffer, limit: number): Buffer {
  let [length, at, shift] = [0, 0, 0];
  for (;;) {
    if (at >= input.length || shift > 28) throw damaged('no length');
    const byte = input[at++] as number;
    length += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) break;
  }
  // An element of three bytes is at most 64 bytes of output.
  if (length > limit || length > 64 * input.length) throw damaged(`an output of ${length} bytes`);
  const output = Buffer.allocUnsafe(length);
  let to = 0;
  while (at < input.length) {
    const tag = input[at++] as number;
    const isLiteral = (tag & 3) === 0;
    const extra = isLiteral ? Math.max(0, (tag >>> 2) - 59) : (tag & 3) === 3 ? 4 : tag & 3;
    if (extra > input.length - at) throw damaged('an element is cut');
    let number = 0;
    for (let index = 0; index < extra; index++) number += (input[at + index] as number) * 2 ** (8 * index);
    at += extra;
    if (isLiteral) {
      const size = (extra === 0 ? tag >>> 2 : number) + 1;
      if (size > input.length - at || size > length - to) throw damaged('a literal is cut');
      if (size > 16) input.copy(output, to, at, at + size);
      else for (let index = 0; index < size; index++) output[to + index] = input[at + index] as number;
      at += size;
      to += size;
    } else {
      const isShort = (tag & 3) === 1;
      const size = isShort ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
      const distance = isShort ? number + ((tag >>> 5) << 8) : number;
      if (distance === 0 || distance > to || size > length - to)
        throw damaged('a copy outside of the output');
      to = copyMatch(output, to, distance, size);
    }
  }
  if (to !== length) throw damaged(`${to} of ${length} bytes`);
  return output;
}

/** As Java clients write it, which all clients read. */
export function compressSnappy(input: Buffer): Buffer {
  const blocks = Math.ceil(input.length / javaBlockBytes);
  const output = Buffer.allocUnsafe(16 + blocks * 64 + input.length + Math.ceil(input.length / 6));
  javaHeader.copy(output);
  let to = 16;
  const table = new Int32Array(1 << hashBits);
  for (let from = 0; from < input.length; from += javaBlockBytes) {
    const end = Math.min(from + javaBlockBytes, input.length);
    const length = compressBlock(input, from, end, output, to + 4, table);
    output.writeInt32BE(length, to);
    to += 4 + length;
  }
  return output.subarray(0, to);
}

function compressBlock(
  input: Buffer,
  from: number,
  end: number,
  output: Buffer,
  start: number,
  table: Int32Array,
): number {
  table.fill(-1);
  let to = start;
  for (let rest = end - from; ; rest >>>= 7) {
    output[to++] = rest > 0x7f ? (rest & 0x7f) | 0x80 : rest;
    if (rest <= 0x7f) break;
  }
  let [at, anchor] = [from, from];
  const last = end - 15;
  while (at < last) {
    const word = wordAt(input, at);
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const found = table[hash] as number;
    table[hash] = at;
    if (found < 0 || wordAt(input, found) !== word) {
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let match = 4;
    while (at + match < end && input[at + match] === input[found + match]) match++;
    to = writeLiteral(input, anchor, at, output, to);
    to = writeCopies(output, to, at - found, match);
    at += match;
    anchor = at;
  }
  return writeLiteral(input, anchor, end, output, to) - start;
}

function writeLiteral(input: Buffer, from: number, end: number, output: Buffer, at: number): number {
  const size = end - from;
  if (size === 0) return at;
  let to = at;
  if (size <= 60) output[to++] = (size - 1) << 2;
  else if (size <= 256) {
    output[to++] = 60 << 2;
    output[to++] = size - 1;
  } else {
    output[to++] = 61 << 2;
    output[to++] = (size - 1) & 0xff;
    output[to++] = (size - 1) >>> 8;
  }
  input.copy(output, to, from, end);
  return to + size;
}

/** With distances of two bytes: a block is shorter than 64 KiB. */
function writeCopies(output: Buffer, at: number, distance: number, length: number): number {
  let to = at;
  for (let rest = length; rest > 0; ) {
    const size = Math.min(rest, 64);
    output[to++] = ((size - 1) << 2) | 2;
    output[to++] = distance & 0xff;
    output[to++] = distance >>> 8;
    rest -= size;
  }
  return to;
}
