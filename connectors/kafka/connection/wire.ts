/**
 * The primitive types of Kafka's protocol. A length or count that a server sends is compared with the bytes that are there before anything
 * is allocated, so a damaged or hostile answer ends in an error (Invariant 13).
 */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

const noBytes = Buffer.alloc(0);

/** Reads one message. Flexible versions write lengths as varints, and tagged fields behind each structure. */
export class WireReader {
  readonly buffer: Buffer;
  position: number;
  readonly #end: number;

  constructor(buffer: Buffer, position = 0, end: number = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.position;
  }

  int8(): number {
    return this.buffer.readInt8(this.#skip(1));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#skip(4));
  }

  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.#skip(8));
  }

  /** An offset or a time: beyond 2^53 only in damaged data. */
  int64(): number {
    const at = this.#skip(8);
    const value = this.buffer.readInt32BE(at) * 2 ** 32 + this.buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new WireError('an offset or time beyond 2^53');
    return value;
  }

  uuid(): string {
    const at = this.#skip(16);
    return this.buffer.toString('hex', at, at + 16);
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#skip(1)] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WireError('a varint of more than five bytes');
  }

  string(isFlexible = false): string {
    return this.nullableString(isFlexible) ?? '';
  }

  nullableString(isFlexible = false): string | null {
    const length = isFlexible ? this.uvarint() - 1 : this.int16();
    if (length < 0) return null;
    const at = this.#skip(length);
    return this.buffer.toString('utf8', at, at + length);
  }

  /** Shares the memory of the message. */
  bytes(isFlexible = false): Buffer {
    const length = isFlexible ? this.uvarint() - 1 : this.int32();
    if (length < 0) return noBytes;
    const at = this.#skip(length);
    return this.buffer.subarray(at, at + length);
  }

  array<T>(isFlexible: boolean, read: () => T): T[] {
    const count = isFlexible ? this.uvarint() - 1 : this.int32();
    // Each element takes at least a byte.
    if (count > this.left) throw new WireError(`an array of ${count} elements in ${this.left} bytes`);
    const values: T[] = [];
    for (let index = 0; index < count; index++) values.push(read());
    return values;
  }

  tags(isFlexible: boolean): void {
    if (!isFlexible) return;
    const count = this.uvarint();
    if (count > this.left) throw new WireError(`${count} tagged fields in ${this.left} bytes`);
    for (let index = 0; index < count; index++) {
      this.uvarint();
      this.#skip(this.uvarint());
    }
  }

  /** The position before the skipped bytes. */
  #skip(length: number): number {
    const at = this.position;
    if (length < 0 || length > this.#end - at)
      throw new WireError(`${length} bytes expected, ${this.#end - at} left`);
    this.position = at + length;
    return at;
  }
}

/** Writes one message into a buffer that grows. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(sizeBytes = 512) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  /** What was written; valid until the next write. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  int8(value: number): this {
    const at = this.#grow(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    const at = this.#grow(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#grow(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  int64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  uuid(hex: string): this {
    const at = this.#grow(16);
    this.#buffer.write(hex, at, 16, 'hex');
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
    return this;
  }

  string(value: string | null, isFlexible = false): this {
    if (value === null) return isFlexible ? this.uvarint(0) : this.int16(-1);
    const length = Buffer.byteLength(value);
    if (isFlexible) this.uvarint(length + 1);
    else this.int16(length);
    const at = this.#grow(length);
    this.#buffer.write(value, at);
    return this;
  }

  bytes(value: Buffer): this {
    this.int32(value.length);
    const at = this.#grow(value.length);
    value.copy(this.#buffer, at);
    return this;
  }

  array<T>(values: readonly T[] | null, isFlexible: boolean, write: (value: T) => void): this {
    const count = values === null ? -1 : values.length;
    if (isFlexible) this.uvarint(count + 1);
    else this.int32(count);
    for (const value of values ?? []) write(value);
    return this;
  }

  /** No tagged fields. */
  tags(isFlexible: boolean): this {
    return isFlexible ? this.uvarint(0) : this;
  }

  #byte(value: number): void {
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  /** The position before the new bytes. The buffer may be another one afterwards, so call it first. */
  #grow(length: number): number {
    const at = this.#length;
    if (at + length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, at + length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = at + length;
    return at;
  }
}
