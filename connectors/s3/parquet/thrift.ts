/** A struct of Thrift's compact protocol: values by the id of their field. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Buffer | readonly ThriftValue[] | ThriftStruct;

const maxDepth = 24;

/**
 * Reads the compact protocol. Every length is checked against the bytes that are left, so a damaged footer cannot demand more memory than
 * it has bytes.
 */
export class ThriftReader {
  readonly #bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset = 0) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > maxDepth) throw new RangeError('structures are nested too deeply');
    const fields = new Map<number, ThriftValue>();
    for (let last = 0; ; ) {
      const header = this.#byte();
      if (header === 0) return fields;
      const delta = header >> 4;
      last = delta === 0 ? this.zigzag() : last + delta;
      fields.set(last, this.#value(header & 0x0f, depth));
    }
  }

  /** Beyond 2^53 inexact: sizes and offsets of such values are refused by those who use them. */
  varint(): number {
    let result = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
      scale *= 128;
    }
    throw new RangeError('an integer has too many bytes');
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        return this.#take(8).readDoubleLE(0);
      case 8:
        return this.#take(this.varint());
      case 9:
      case 10:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw new RangeError(`a field has the unknown type ${type}`);
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    if (depth > maxDepth) throw new RangeError('lists are nested too deeply');
    const header = this.#byte();
    const type = header & 0x0f;
    const size = header >> 4 === 15 ? this.varint() : header >> 4;
    // Each element has at least one byte.
    if (size > this.#bytes.length - this.offset) throw new RangeError('a list is longer than its data');
    const values: ThriftValue[] = [];
    for (let index = 0; index < size; index++)
      values.push(type === 1 || type === 2 ? this.#byte() === 1 : this.#value(type, depth + 1));
    return values;
  }

  #take(length: number): Buffer {
    const end = this.offset + length;
    if (!(end <= this.#bytes.length)) throw new RangeError('a value is longer than its data');
    const taken = this.#bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  #byte(): number {
    const byte = this.#bytes[this.offset++];
    if (byte === undefined) throw new RangeError('the data ends within a structure');
    return byte;
  }
}

export function structOf(value: ThriftValue | undefined): ThriftStruct {
  if (value instanceof Map) return value;
  throw new RangeError('a structure is missing');
}

export function listOf(value: ThriftValue | undefined): readonly ThriftValue[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new RangeError('a list is missing');
}

export function textOf(value: ThriftValue | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : '';
}

/** A count, size or position. */
export function sizeOf(value: ThriftValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError('a size is missing or not possible');
}

export function optionalSizeOf(value: ThriftValue | undefined): number | undefined {
  return value === undefined ? undefined : sizeOf(value);
}
