/**
 * Rows as the protocol sends them in a bulk load (MS-TDS, 2.2.5.2 and 2.2.7.19). The driver takes a value at a time and converts most of them
 * through objects, doubles and texts; here a value becomes bytes once, with every digit.
 */
const rowToken = 0xd1;
const chunkBytes = 65_536;
/** The length of a (max) value need not be known before it. */
const unknownLength = 0xff_ff_ff_fe;
const allOnes = 0xff_ff_ff_ff;
/** Shorter texts are copied faster unit by unit than by a call of the buffer. */
const shortText = 24;
const lowBits = 2n ** 64n - 1n;
const twoTo32 = 2 ** 32;

export class RowBytes {
  readonly #chunks: Buffer[] = [];
  #open = Buffer.allocUnsafeSlow(chunkBytes);
  #view = viewOf(this.#open);
  #at = 0;
  /** Where the row that is being written begins. */
  #row = 0;

  beginRow(): void {
    this.#row = this.#at;
    this.#room(1);
    this.#u8(rowToken);
  }

  /** The row that was begun is left out. */
  undoRow(): void {
    this.#at = this.#row;
  }

  /** Chunks that are complete, once. They have whole rows: the first byte of each is the token of a row. */
  take(): readonly Buffer[] {
    return this.#chunks.splice(0);
  }

  /** The chunks that were not taken, with the last one. */
  finish(): readonly Buffer[] {
    if (this.#at > 0) this.#chunks.push(this.#open.subarray(0, this.#at));
    this.#at = 0;
    return this.take();
  }

  /** NULL of every type but texts and bytes. */
  nullValue(): void {
    this.#room(1);
    this.#u8(0);
  }

  /** NULL of texts and bytes. */
  nullLength(isMax: boolean): void {
    this.#room(8);
    if (isMax) {
      this.#u32(allOnes);
      this.#u32(allOnes);
    } else this.#u16(0xff_ff);
  }

  integer(bytes: 1 | 2 | 4, value: number): void {
    this.#room(5);
    this.#u8(bytes);
    if (bytes === 1) this.#u8(value);
    else if (bytes === 2) this.#u16(value);
    else this.#u32(value);
  }

  bigint(value: bigint): void {
    this.#room(9);
    this.#u8(8);
    this.#view.setBigInt64(this.#at, value, true);
    this.#at += 8;
  }

  float(bytes: 4 | 8, value: number): void {
    this.#room(9);
    this.#u8(bytes);
    if (bytes === 4) this.#view.setFloat32(this.#at, value, true);
    else this.#view.setFloat64(this.#at, value, true);
    this.#at += bytes;
  }

  /** A number without its point, as a sign and sixteen bytes: it may have fewer by its precision, but not every server reads those. */
  decimal(isNegative: boolean, digits: number | bigint): void {
    this.#room(18);
    this.#u8(17);
    this.#u8(isNegative ? 0 : 1);
    if (typeof digits === 'number') {
      this.#u32(digits % twoTo32);
      this.#u32(Math.floor(digits / twoTo32));
      this.#u32(0);
      this.#u32(0);
      return;
    }
    this.#view.setBigUint64(this.#at, digits & lowBits, true);
    this.#view.setBigUint64(this.#at + 8, digits >> 64n, true);
    this.#at += 16;
  }

  /** Days since 0001-01-01. */
  date(days: number): void {
    this.#room(4);
    this.#u8(3);
    this.#u24(days);
  }

  /** `units` of the last of `digits` digits, then days and the offset from UTC, if the type has them. */
  time(digits: number, units: number, days?: number, hasOffset = false): void {
    const bytes = digits <= 2 ? 3 : digits <= 4 ? 4 : 5;
    this.#room(11);
    this.#u8(bytes + (days === undefined ? 0 : 3) + (hasOffset ? 2 : 0));
    if (bytes === 3) this.#u24(units);
    else {
      this.#u32(units % twoTo32);
      if (bytes === 5) this.#u8(Math.floor(units / twoTo32));
    }
    if (days !== undefined) this.#u24(days);
    if (hasOffset) this.#u16(0);
  }

  /** False, and nothing is written, if it is not a UUID. The first three of its parts are sent with the lowest byte first. */
  uuid(text: string): boolean {
    if (text.length !== 36) return false;
    this.#room(17);
    const from = this.#at;
    this.#u8(16);
    let all = 0;
    for (let index = 0; index < 16; index++) {
      const at = placesInUuid[index] ?? 0;
      const high = nibbles[text.charCodeAt(at)] ?? invalid;
      const low = nibbles[text.charCodeAt(at + 1)] ?? invalid;
      all |= high | low;
      this.#u8((high << 4) | low);
    }
    const isValid = (all & invalid) === 0 && dashesInUuid.every((at) => text[at] === '-');
    if (!isValid) this.#at = from;
    return isValid;
  }

  text(text: string, isMax: boolean): void {
    const bytes = text.length * 2;
    this.#room(bytes + 16);
    this.#beginBytes(bytes, isMax);
    if (text.length > shortText) this.#open.write(text, this.#at, 'utf16le');
    else
      for (let index = 0; index < text.length; index++)
        this.#view.setUint16(this.#at + 2 * index, text.charCodeAt(index), true);
    this.#at += bytes;
    if (isMax) this.#u32(0);
  }

  bytes(value: Uint8Array, isMax: boolean): void {
    this.#room(value.length + 16);
    this.#beginBytes(value.length, isMax);
    this.#open.set(value, this.#at);
    this.#at += value.length;
    if (isMax) this.#u32(0);
  }

  /** A (max) value is sent in parts, here in one, with an empty part at the end. */
  #beginBytes(length: number, isMax: boolean): void {
    if (isMax) {
      this.#u32(unknownLength);
      this.#u32(allOnes);
      if (length > 0) this.#u32(length);
    } else this.#u16(length);
  }

  #u8(value: number): void {
    this.#open[this.#at++] = value;
  }

  #u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  #u24(value: number): void {
    this.#u16(value & 0xff_ff);
    this.#u8(value >>> 16);
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** A row is never divided: what there is of it moves to the next chunk. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#open.length) return;
    const begun = this.#open.subarray(this.#row, this.#at);
    if (this.#row > 0) this.#chunks.push(this.#open.subarray(0, this.#row));
    this.#open = Buffer.allocUnsafeSlow(Math.max(chunkBytes, 2 * begun.length + bytes));
    this.#view = viewOf(this.#open);
    this.#open.set(begun);
    this.#at = begun.length;
    this.#row = 0;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

const invalid = 0x100;
const nibbles: readonly number[] = Array.from({ length: 103 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return digit < 0 ? invalid : digit;
});
const placesInUuid = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34];
const dashesInUuid = [8, 13, 18, 23];
