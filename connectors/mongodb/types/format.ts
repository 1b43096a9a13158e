import { protocolError } from '../../../core/error-class.ts';

/** BSON types, by the byte before an element. */
export const bson = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal: 0x13,
  maxKey: 0x7f,
  minKey: 0xff,
} as const;

/** A value within a document: its bytes without type and name. A document as a whole is a value of type object. */
export interface BsonValue {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface BsonElement extends BsonValue {
  readonly name: string;
  /** Where the element begins, with its type and name. */
  readonly elementStart: number;
}

const notFixed = -1;
/** By type. */
const fixedLengths = new Int8Array(256).fill(notFixed);
for (const [type, length] of [
  [bson.double, 8],
  [bson.undefined, 0],
  [bson.objectId, 12],
  [bson.boolean, 1],
  [bson.date, 8],
  [bson.null, 0],
  [bson.int32, 4],
  [bson.timestamp, 8],
  [bson.int64, 8],
  [bson.decimal, 16],
  [bson.maxKey, 0],
  [bson.minKey, 0],
] as const)
  fixedLengths[type] = length;
/** Types whose length, with its own four bytes, is at their start. */
const selfContained: ReadonlySet<number> = new Set([bson.object, bson.array, bson.codeWithScope]);

export function documentValue(bytes: Buffer): BsonValue {
  const length = bytes.length >= 5 ? bytes.readInt32LE(0) : 0;
  if (length !== bytes.length || bytes[length - 1] !== 0) throw broken('a document with a wrong length');
  return { type: bson.object, bytes, start: 0, end: length };
}

/** The elements of a document or array in their order. Throws ProtocolBroken if the bytes are not BSON. */
export function* elementsOf(value: BsonValue): Generator<BsonElement, void> {
  const { bytes, start } = value;
  const end = value.end - 1;
  let at = start + 4;
  while (at < end) {
    const elementStart = at;
    const type = bytes[at] ?? 0;
    const nameEnd = bytes.indexOf(0, at + 1);
    if (nameEnd < 0 || nameEnd >= end) throw broken('a name without an end');
    const valueStart = nameEnd + 1;
    const valueEnd = valueStart + lengthOf(type, bytes, valueStart, end);
    if (valueEnd > end) throw broken('a value that is longer than its document');
    yield {
      name: bytes.toString('utf8', at + 1, nameEnd),
      type,
      bytes,
      start: valueStart,
      end: valueEnd,
      elementStart,
    };
    at = valueEnd;
  }
}

function lengthOf(type: number, bytes: Buffer, start: number, end: number): number {
  const fixed = fixedLengths[type] ?? notFixed;
  if (fixed !== notFixed) return fixed;
  if (type === bson.regex) {
    const pattern = bytes.indexOf(0, start);
    const options = pattern < 0 ? -1 : bytes.indexOf(0, pattern + 1);
    if (options < 0 || options >= end) throw broken('a regular expression without an end');
    return options + 1 - start;
  }
  if (start + 4 > end) throw broken('a value without its length');
  const length = bytes.readInt32LE(start);
  if (selfContained.has(type)) return atLeast(length, 5);
  switch (type) {
    case bson.string:
    case bson.code:
    case bson.symbol:
      return 4 + atLeast(length, 1);
    case bson.dbPointer:
      return 4 + atLeast(length, 1) + 12;
    case bson.binary:
      return 5 + atLeast(length, 0);
    default:
      throw broken(`the unknown type ${type}`);
  }
}

function atLeast(length: number, least: number): number {
  if (length < least) throw broken(`a length of ${length}`);
  return length;
}

/** The last field of this name, as drivers read it; undefined: there is none. */
export function fieldOf(value: BsonValue, name: string): BsonElement | undefined {
  return findField(value, name, false);
}

/** The first field of this name, by which the server filters and sorts. */
export function firstFieldOf(value: BsonValue, name: string): BsonElement | undefined {
  return findField(value, name, true);
}

/** Fields are looked for in each document, so no other one becomes an object. */
function findField(value: BsonValue, name: string, isFirst: boolean): BsonElement | undefined {
  if (value.type !== bson.object) return undefined;
  const { bytes, start } = value;
  const wanted = bytesOfName(name);
  const end = value.end - 1;
  let found: BsonElement | undefined;
  let at = start + 4;
  while (at < end) {
    const type = bytes[at] ?? 0;
    const nameEnd = endOfName(bytes, at + 1, end);
    const valueStart = nameEnd + 1;
    const valueEnd = valueStart + lengthOf(type, bytes, valueStart, end);
    if (valueEnd > end) throw broken('a value that is longer than its document');
    if (isName(bytes, at + 1, nameEnd, wanted)) {
      found = { name, type, bytes, start: valueStart, end: valueEnd, elementStart: at };
      if (isFirst) return found;
    }
    at = valueEnd;
  }
  return found;
}

function endOfName(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === 0) return at;
  throw broken('a name without an end');
}

function isName(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  if (end - start !== wanted.length) return false;
  for (let at = 0; at < wanted.length; at++) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

const mostNames = 10_000;
const names = new Map<string, Buffer>();

function bytesOfName(name: string): Buffer {
  const known = names.get(name);
  if (known) return known;
  if (names.size >= mostNames) names.clear();
  const bytes = Buffer.from(name);
  names.set(name, bytes);
  return bytes;
}

/** The bytes of a value, without type and name. */
export function bytesOf({ bytes, start, end }: BsonValue): Buffer {
  return bytes.subarray(start, end);
}

function broken(what: string): Error {
  return protocolError('MongoDB', `${what} in a BSON document`);
}

/** The value in a document that has only this field, as the driver serializes it. */
export function onlyValue(document: Buffer): BsonValue {
  const [only] = [...elementsOf(documentValue(document))];
  if (!only) throw broken('no element');
  return only;
}
