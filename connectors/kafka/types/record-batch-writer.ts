import { type Compression, codecs, compress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { at, flags, type Header, headerBytes } from './record-batch.ts';

/** Headers as they are in another batch. */
export interface RawHeaders {
  readonly count: number;
  readonly bytes: Buffer;
}

export interface BatchProducer {
  readonly producer: bigint;
  readonly epoch: number;
  readonly sequence: number;
  readonly isTransactional: boolean;
}

/** Collects messages and writes them as one record batch. */
export class RecordBatchWriter {
  #buffer: Buffer;
  #length = headerBytes;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  count = 0;

  constructor(sizeBytes = 65_536) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  get byteCount(): number {
    return this.#length;
  }

  append(
    key: Buffer | string | null,
    value: Buffer | string | null,
    timestamp: number,
    headers: readonly Header[] | RawHeaders = [],
  ): void {
    if (this.count === 0) this.#baseTimestamp = timestamp;
    this.#maxTimestamp = this.count === 0 ? timestamp : Math.max(this.#maxTimestamp, timestamp);
    const [keyLength, valueLength] = [lengthOf(key), lengthOf(value)];
    const timestampDelta = timestamp - this.#baseTimestamp;
    const headerCount = 'count' in headers ? headers.count : headers.length;
    let length = 1 + sizeOf(timestampDelta) + sizeOf(this.count) + sizeOf(headerCount);
    length += sizeOf(keyLength) + Math.max(0, keyLength) + sizeOf(valueLength) + Math.max(0, valueLength);
    length += sizeOfHeaders(headers);
    this.#ensure(length + 5);
    this.#varint(length);
    this.#buffer[this.#length++] = 0;
    this.#varint(timestampDelta);
    this.#varint(this.count);
    this.#bytes(key, keyLength);
    this.#bytes(value, valueLength);
    this.#varint(headerCount);
    this.#headers(headers);
    this.count += 1;
  }

  #headers(headers: readonly Header[] | RawHeaders): void {
    if ('count' in headers) {
      headers.bytes.copy(this.#buffer, this.#length);
      this.#length += headers.bytes.length;
      return;
    }
    for (const { name, value } of headers) {
      this.#bytes(name, Buffer.byteLength(name));
      this.#bytes(value, lengthOf(value));
    }
  }

  /** The finished batch; the writer is empty afterwards. */
  async finish(
    compression: Compression,
    { producer, epoch, sequence, isTransactional }: BatchProducer,
  ): Promise<Buffer> {
    const records = this.#buffer.subarray(headerBytes, this.#length);
    const packed = compression === 'None' ? records : await compress(compression, records);
    let batch = this.#buffer.subarray(0, this.#length);
    if (packed !== records) {
      batch = Buffer.allocUnsafe(headerBytes + packed.length);
      packed.copy(batch, headerBytes);
    }
    batch.writeBigInt64BE(0n, 0);
    batch.writeInt32BE(batch.length - 12, at.length);
    batch.writeInt32BE(-1, at.leaderEpoch);
    batch[at.magic] = 2;
    batch.writeInt16BE(codecs[compression] | (isTransactional ? flags.isTransactional : 0), at.attributes);
    batch.writeInt32BE(this.count - 1, at.lastOffsetDelta);
    batch.writeBigInt64BE(BigInt(this.#baseTimestamp), at.baseTimestamp);
    batch.writeBigInt64BE(BigInt(this.#maxTimestamp), at.maxTimestamp);
    batch.writeBigInt64BE(producer, at.producer);
    batch.writeInt16BE(epoch, at.epoch);
    batch.writeInt32BE(sequence, at.sequence);
    batch.writeInt32BE(this.count, at.count);
    batch.writeUInt32BE(crc32c(batch, at.attributes, batch.length), at.crc);
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length);
    this.#length = headerBytes;
    this.count = 0;
    return batch;
  }

  #bytes(value: Buffer | string | null, length: number): void {
    this.#varint(length);
    if (value === null) return;
    if (typeof value === 'string') this.#buffer.write(value, this.#length);
    else value.copy(this.#buffer, this.#length);
    this.#length += length;
  }

  #varint(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  #ensure(length: number): void {
    if (this.#length + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function sizeOfHeaders(headers: readonly Header[] | RawHeaders): number {
  if ('count' in headers) return headers.bytes.length;
  let length = 0;
  for (const { name, value } of headers) {
    const [nameBytes, valueBytes] = [Buffer.byteLength(name), lengthOf(value)];
    length += sizeOf(nameBytes) + nameBytes + sizeOf(valueBytes) + Math.max(0, valueBytes);
  }
  return length;
}

function lengthOf(value: Buffer | string | null): number {
  if (value === null) return -1;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function sizeOf(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let size = 1;
  for (; rest > 0x7f; size++) rest = Math.floor(rest / 128);
  return size;
}
