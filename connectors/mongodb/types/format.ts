import { protocolError } from '../../sql/connection/guarded-socket.ts';

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

const fixedLengths = new Map<number, number>([
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
]);
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
  const fixed = fixedLengths.get(type);
  if (fixed !== undefined) return fixed;
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

/** The last field of this name; undefined: there is none. */
export function fieldOf(value: BsonValue, name: string): BsonElement | undefined {
  if (value.type !== bson.object) return undefined;
  let found: BsonElement | undefined;
  for (const element of elementsOf(value)) if (element.name === name) found = element;
  return found;
}

/** The bytes of a value, without type and name. */
export function bytesOf({ bytes, start, end }: BsonValue): Buffer {
  return bytes.subarray(start, end);
}

function broken(what: string): Error {
  return protocolError('MongoDB', `${what} in a BSON document`);
}

const initialBytes = 4_096;

/** Builds documents one after the other in one buffer. */
export class BsonWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(bytes = initialBytes) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until the next write. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Gives back what was written since `length` was this. */
  cutTo(length: number): void {
    this.#length = length;
  }

  /** Begins a document; returns where, for endDocument. */
  beginDocument(): number {
    const start = this.#length;
    this.#room(4);
    this.#length += 4;
    return start;
  }

  endDocument(start: number): void {
    this.byte(0);
    this.#buffer.writeInt32LE(this.#length - start, start);
  }

  name(type: number, name: string): void {
    this.byte(type);
    this.cstring(name);
  }

  /** An element with the bytes of a value. */
  element(name: string, value: BsonValue): void {
    this.name(value.type, name);
    this.raw(bytesOf(value));
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  int32(value: number): void {
    this.#room(4);
    this.#buffer.writeInt32LE(value, this.#length);
    this.#length += 4;
  }

  int64(value: bigint): void {
    this.#room(8);
    this.#buffer.writeBigInt64LE(value, this.#length);
    this.#length += 8;
  }

  double(value: number): void {
    this.#room(8);
    this.#buffer.writeDoubleLE(value, this.#length);
    this.#length += 8;
  }

  string(text: string): void {
    const start = this.#length;
    this.#room(5 + text.length * 3);
    const bytes = this.#buffer.write(text, start + 4, 'utf8');
    this.#buffer.writeInt32LE(bytes + 1, start);
    this.#buffer[start + 4 + bytes] = 0;
    this.#length = start + bytes + 5;
  }

  /** A name must not contain a zero byte: callers check this. */
  cstring(text: string): void {
    this.#room(1 + text.length * 3);
    const bytes = this.#buffer.write(text, this.#length, 'utf8');
    this.#buffer[this.#length + bytes] = 0;
    this.#length += bytes + 1;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** The value in a document that has only this field, as the driver serializes it. */
export function onlyValue(document: Buffer): BsonValue {
  const [only] = [...elementsOf(documentValue(document))];
  if (!only) throw broken('no element');
  return only;
}
