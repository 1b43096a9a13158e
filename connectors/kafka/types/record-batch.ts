import { WireError } from '../connection/wire.ts';
import { decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';

/** The header of a record batch (magic 2), in which all messages since Kafka 0.11 are. */
export const headerBytes = 61;
export const at = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producer: 43,
  epoch: 51,
  sequence: 53,
  count: 57,
} as const;
export const flags = { codec: 7, isAppendTime: 8, isTransactional: 16, isControl: 32 } as const;

export interface RecordBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** -1: none. */
  readonly producer: bigint;
  readonly baseTimestamp: number;
  /** The time of the broker, which then is that of every message. */
  readonly appendTime: number | undefined;
  /** Compressed. */
  readonly records: Buffer;
}

/**
 * The next batch, and where it ends; undefined: the rest is cut, as a fetch may cut it. `isChecked`: its checksum was compared before.
 */
export function readBatch(
  buffer: Buffer,
  from: number,
  isChecked = false,
): { readonly batch: RecordBatch; readonly end: number } | undefined {
  if (buffer.length - from < headerBytes) return undefined;
  const magic = buffer[from + at.magic];
  if (magic !== 2) throw new WireError(`messages of format ${magic}, which Kafka 0.10 and older wrote`);
  const length = buffer.readInt32BE(from + at.length);
  if (length < headerBytes - 12) throw new WireError(`a batch of ${length} bytes`);
  const end = from + 12 + length;
  if (end > buffer.length) return undefined;
  if (!isChecked && crc32c(buffer, from + at.attributes, end) !== buffer.readUInt32BE(from + at.crc))
    throw new WireError('the checksum of the batch differs');
  const baseOffset = safe(buffer.readBigInt64BE(from));
  const attributes = buffer.readInt16BE(from + at.attributes);
  const lastDelta = buffer.readInt32BE(from + at.lastOffsetDelta);
  const count = buffer.readInt32BE(from + at.count);
  if (lastDelta < 0 || count < 0 || count > lastDelta + 1)
    throw new WireError(`${count} messages in ${lastDelta + 1} offsets`);
  const isAppendTime = (attributes & flags.isAppendTime) !== 0;
  const batch = {
    baseOffset,
    lastOffset: safe(BigInt(baseOffset) + BigInt(lastDelta)),
    count,
    codec: attributes & flags.codec,
    isTransactional: (attributes & flags.isTransactional) !== 0,
    isControl: (attributes & flags.isControl) !== 0,
    producer: buffer.readBigInt64BE(from + at.producer),
    baseTimestamp: safe(buffer.readBigInt64BE(from + at.baseTimestamp)),
    appendTime: isAppendTime ? safe(buffer.readBigInt64BE(from + at.maxTimestamp)) : undefined,
    records: buffer.subarray(from + headerBytes, end),
  };
  return { batch, end };
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new WireError('an offset or time beyond 2^53');
  return number;
}

export async function cursorOf(batch: RecordBatch, limit?: number): Promise<RecordCursor> {
  return new RecordCursor(batch, await decompress(batch.codec, batch.records, limit));
}

export interface Header {
  readonly name: string;
  readonly value: Buffer | null;
}

/** Goes through the messages of a batch without an object for each. After `next` the fields are those of the current message. */
export class RecordCursor {
  readonly batch: RecordBatch;
  readonly bytes: Buffer;
  offset = -1;
  timestamp = 0;
  /** -1: null. */
  keyLength = -1;
  keyAt = 0;
  valueLength = -1;
  valueAt = 0;
  headerCount = 0;
  #headersAt = 0;
  #end = 0;
  #position = 0;
  #read = 0;

  constructor(batch: RecordBatch, bytes: Buffer) {
    this.batch = batch;
    this.bytes = bytes;
  }

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  get headers(): Header[] {
    const before = this.#position;
    this.#position = this.#headersAt;
    const headers: Header[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const name = this.#take(this.#varint());
      const length = this.#varint();
      headers.push({ name: name.toString('utf8'), value: length < 0 ? null : this.#take(length) });
    }
    this.#position = before;
    return headers;
  }

  /** False: there are no more messages. */
  next(): boolean {
    const { batch } = this;
    if (this.#read === batch.count) return false;
    const length = this.#varint();
    const end = this.#position + length;
    if (length < 0 || end > this.bytes.length) throw new WireError('a message is cut');
    this.#position += 1;
    const timestampDelta = this.#varlong();
    this.offset = batch.baseOffset + this.#varint();
    this.timestamp = batch.appendTime ?? batch.baseTimestamp + timestampDelta;
    this.keyLength = this.#varint();
    this.keyAt = this.#position;
    if (this.keyLength > 0) this.#position += this.keyLength;
    this.valueLength = this.#varint();
    this.valueAt = this.#position;
    if (this.valueLength > 0) this.#position += this.valueLength;
    this.headerCount = this.#varint();
    this.#headersAt = this.#position;
    if (this.#position > end || this.headerCount < 0 || this.headerCount > end - this.#position)
      throw new WireError('the parts of a message are longer than the message');
    if (
      this.offset < batch.baseOffset ||
      this.offset > batch.lastOffset ||
      !Number.isSafeInteger(this.timestamp)
    )
      throw new WireError('a message is outside of its batch');
    this.#position = end;
    this.#end = end;
    this.#read += 1;
    return true;
  }

  /** As they are in the batch, without their count. */
  get rawHeaders(): Buffer {
    return this.bytes.subarray(this.#headersAt, this.#end);
  }

  /** Of a control batch: whether the transaction was committed. */
  get isCommit(): boolean {
    return this.keyLength >= 4 && this.bytes.readInt16BE(this.keyAt + 2) === 1;
  }

  #take(length: number): Buffer {
    if (length < 0 || length > this.bytes.length - this.#position) throw new WireError('a header is cut');
    this.#position += length;
    return this.bytes.subarray(this.#position - length, this.#position);
  }

  #varint(): number {
    const { bytes } = this;
    let position = this.#position;
    let byte = bytes[position++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift > 28) throw new WireError('a varint of more than five bytes');
      byte = bytes[position++] as number;
      value |= (byte & 0x7f) << shift;
    }
    // Behind the end there are no bytes: undefined ends the loop.
    if (position > bytes.length) throw new WireError('a varint is cut');
    this.#position = position;
    return (value >>> 1) ^ -(value & 1);
  }

  #varlong(): number {
    const { bytes } = this;
    let [value, factor, position] = [0, 1, this.#position];
    for (;;) {
      if (position >= bytes.length || factor > 2 ** 49) throw new WireError('a time that is cut or too long');
      const byte = bytes[position++] as number;
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte < 0x80) break;
    }
    this.#position = position;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
