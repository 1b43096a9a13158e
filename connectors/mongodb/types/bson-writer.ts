import { type BsonValue, bson, bytesOf } from './format.ts';

const initialBytes = 4_096;
const shortText = 24;

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

  nested(name: string, write: () => void): void {
    this.name(bson.object, name);
    const start = this.beginDocument();
    write();
    this.endDocument(start);
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
    const bytes = this.#put(text, start + 4);
    this.#buffer.writeInt32LE(bytes + 1, start);
    this.#buffer[start + 4 + bytes] = 0;
    this.#length = start + bytes + 5;
  }

  /** A name must not contain a zero byte: callers check this. */
  cstring(text: string): void {
    this.#room(1 + text.length * 3);
    const bytes = this.#put(text, this.#length);
    this.#buffer[this.#length + bytes] = 0;
    this.#length += bytes + 1;
  }

  /** Most names and many texts are short and ASCII, for which a call of the runtime takes longer than this loop. */
  #put(text: string, at: number): number {
    const { length } = text;
    if (length <= shortText) {
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code >= 0x80) break;
        this.#buffer[at + index] = code;
      }
      if (index === length) return length;
    }
    return this.#buffer.write(text, at, 'utf8');
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

const arenaBytes = 65_536;

/** Many small documents, each as its bytes, which stay valid. */
export class BsonArena {
  #writer = new BsonWriter(arenaBytes);

  document(write: (writer: BsonWriter) => void): Buffer {
    if (this.#writer.length > arenaBytes / 2) this.#writer = new BsonWriter(arenaBytes);
    const writer = this.#writer;
    const start = writer.beginDocument();
    try {
      write(writer);
      writer.endDocument(start);
    } catch (thrown) {
      writer.cutTo(start);
      throw thrown;
    }
    return writer.written.subarray(start);
  }
}
