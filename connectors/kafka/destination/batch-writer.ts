import type { Batch } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import type { Row } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { unpackMessage, wholeFormat } from '../source/raw-messages.ts';
import type { Compression } from '../types/compression.ts';
import type { Encoded, RowEncoder } from '../types/encode.ts';
import { partitionOf } from '../types/murmur2.ts';
import type { Header } from '../types/record-batch.ts';
import { type RawHeaders, RecordBatchWriter } from '../types/record-batch-writer.ts';
import type { PendingBatch } from './producer.ts';

export interface Encoding {
  readonly topic: string;
  readonly where: string;
  readonly plan: WritePlan;
  readonly encoder: RowEncoder;
  readonly compression: Compression;
  /** Of a batch of messages. */
  readonly maxBatchBytes: number;
  /** The brokers refuse larger ones. */
  readonly maxMessageBytes: number;
  readonly headers: readonly Header[];
}

export interface EncodedBatch {
  readonly batches: readonly PendingBatch[];
  readonly written: number;
  readonly deleted: number;
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
}

const maxRejections = 10;
/** What a message takes beside its key and value, at most, without its headers. */
const messageOverhead = 128;

/** Makes the batches of messages for the rows of one batch. Rows of one key are in one partition, in their order. */
export class BatchEncoder {
  readonly #encoding: Encoding;
  readonly #partitions: number;
  readonly #nowMs = Date.now();
  readonly #writers = new Map<number, RecordBatchWriter>();
  readonly #full: PendingBatch[] = [];
  readonly #rejections: Rejection[] = [];
  /** For rows without a key. */
  #turn: number;
  #written = 0;
  #deleted = 0;
  #rejected = 0;

  constructor(encoding: Encoding, partitions: number, turn: number) {
    this.#encoding = encoding;
    this.#partitions = partitions;
    this.#turn = turn;
  }

  /** A row that Kafka cannot keep is thrown (onError Stop) or counted (Skip). */
  encode({ rows }: Batch): EncodedBatch {
    if ('rows' in rows) {
      const deletions = new Set(rows.deletions);
      let index = 0;
      for (const row of rows.rows) this.#row(row, deletions.has(index++));
    } else if (rows.format === wholeFormat) for (const chunk of rows.chunks) this.#message(chunk);
    else throw bug(`Kafka does not accept rows as ${rows.format}`);
    for (const [partition, writer] of this.#writers) this.#close(partition, writer);
    return {
      batches: this.#full,
      written: this.#written,
      deleted: this.#deleted,
      rejected: this.#rejected,
      rejections: this.#rejections,
    };
  }

  #row(row: Row, isDeletion: boolean): void {
    const { encoder, headers } = this.#encoding;
    const encoded = isDeletion ? encoder.deletion(row) : encoder.row(row);
    if ('reason' in encoded) {
      const { column, reason } = encoded;
      this.#reject(row, {
        code: 'ValueNotKept',
        ...(column !== undefined && { column }),
        message: `the value ${reason}`,
      });
      return;
    }
    const added = this.#append(encoded, encoded.timestamp ?? this.#nowMs, encoded.headers ?? headers);
    if (added === undefined) {
      if (isDeletion) this.#deleted += 1;
      else this.#written += 1;
    } else this.#reject(row, added);
  }

  #message(chunk: Buffer): void {
    const { key, value, timestamp, headerCount, rawHeaders } = unpackMessage(chunk);
    const added = this.#append({ key, value }, timestamp < 0 ? this.#nowMs : timestamp, {
      count: headerCount,
      bytes: rawHeaders,
    });
    if (added) this.#reject([], added);
    else if (value === null) this.#deleted += 1;
    else this.#written += 1;
  }

  #append(
    { key, value }: Pick<Encoded, 'key' | 'value'>,
    timestamp: number,
    headers: readonly Header[] | RawHeaders,
  ): Rejection | undefined {
    const { maxBatchBytes, maxMessageBytes } = this.#encoding;
    const keyBytes = typeof key === 'string' ? Buffer.from(key) : key;
    const size = (keyBytes?.length ?? 0) + lengthOf(value) + sizeOf(headers) + messageOverhead;
    if (size > maxMessageBytes)
      return {
        code: 'RowTooLarge',
        message: `the message has ${size} bytes, and the topic accepts ${maxMessageBytes} (max.message.bytes)`,
      };
    const partition =
      keyBytes === null ? this.#turn % this.#partitions : partitionOf(keyBytes, this.#partitions);
    let writer = this.#writers.get(partition);
    if (writer && writer.byteCount + size > maxBatchBytes) {
      this.#close(partition, writer);
      if (keyBytes === null) this.#turn += 1;
      writer = undefined;
    }
    if (!writer) {
      writer = new RecordBatchWriter(Math.min(maxBatchBytes, 65_536));
      this.#writers.set(partition, writer);
    }
    writer.append(keyBytes, value, timestamp, headers);
    return undefined;
  }

  #close(partition: number, writer: RecordBatchWriter): void {
    const { topic, compression } = this.#encoding;
    if (writer.count > 0) this.#full.push({ topic, partition, writer, compression });
    this.#writers.delete(partition);
  }

  #reject(row: Row, given: Rejection): void {
    const { plan, where } = this.#encoding;
    const rejection = { ...given, ...namedAs(row.length === 0 ? undefined : rowName(plan, row)) };
    if (plan.onError === 'Stop') throw refusedRow(rejection, where);
    this.#rejected += 1;
    if (this.#rejections.length < maxRejections) this.#rejections.push(rejection);
  }
}

function lengthOf(value: Buffer | string | null): number {
  if (value === null) return 0;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function sizeOf(headers: readonly Header[] | RawHeaders): number {
  if ('count' in headers) return headers.bytes.length;
  return headers.reduce(
    (sum, { name, value }) => sum + Buffer.byteLength(name) + (value?.length ?? 0) + 10,
    0,
  );
}
