import type { ReadColumn } from '../../../core/column-plan.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { Column, Value } from '../../../core/values.ts';
import { type Message, metadataColumn, metadataValues } from './metadata-columns.ts';

/** The columns of `format: Raw`: a message as it is. */
export const rawColumns: readonly Column[] = [
  column('topic'),
  column('partition'),
  column('offset'),
  column('timestamp'),
  column('key'),
  { name: 'value', type: { kind: 'bytes' }, nativeType: 'value', isNullable: true },
  column('headers'),
];

function column(name: string): Column {
  const found = metadataColumn(name);
  if (!found) throw new Error(`${name} is no metadata`);
  return { ...found, name };
}

/** The columns in which messages travel from topic to topic. */
export const wholeColumns: readonly Column[] = ['key', 'value', 'headers', 'timestamp'].map(
  (name) => rawColumns.find((each) => each.name === name) as Column,
);

export const wholeFormat = 'kafka-messages';

export const isWholeColumns = (columns: readonly { readonly name: string }[]): boolean =>
  columns.map(({ name }) => name).join() === 'key,value,headers,timestamp';

/** None: raw columns are the same for all topics. */
export const rawRecordColumns: readonly RecordColumn[] = [];

export function rawRowMaker(columns: readonly ReadColumn[]): (message: Message) => Value[] {
  const values = columns.map(({ column: { name } }) => {
    if (name === 'value') return ({ cursor }: Message) => cursor.value;
    return metadataValues[`_${name}`] ?? metadataValues[name] ?? (() => null);
  });
  return (message) => values.map((value) => value(message));
}

/** A message between two topics: time, key, value, and headers as they are in the batch. */
export function packMessage({ cursor }: Message): Buffer {
  const { keyLength, valueLength } = cursor;
  const headers = cursor.rawHeaders;
  const [keySize, valueSize] = [Math.max(0, keyLength), Math.max(0, valueLength)];
  const packed = Buffer.allocUnsafe(20 + keySize + valueSize + headers.length);
  packed.writeDoubleBE(cursor.timestamp, 0);
  packed.writeInt32BE(keyLength, 8);
  packed.writeInt32BE(valueLength, 12);
  packed.writeInt32BE(cursor.headerCount, 16);
  cursor.bytes.copy(packed, 20, cursor.keyAt, cursor.keyAt + keySize);
  cursor.bytes.copy(packed, 20 + keySize, cursor.valueAt, cursor.valueAt + valueSize);
  headers.copy(packed, 20 + keySize + valueSize);
  return packed;
}

export interface PackedMessage {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headerCount: number;
  readonly rawHeaders: Buffer;
}

export function unpackMessage(packed: Buffer): PackedMessage {
  const [keyLength, valueLength] = [packed.readInt32BE(8), packed.readInt32BE(12)];
  const keyEnd = 20 + Math.max(0, keyLength);
  const valueEnd = keyEnd + Math.max(0, valueLength);
  return {
    timestamp: packed.readDoubleBE(0),
    key: keyLength < 0 ? null : packed.subarray(20, keyEnd),
    value: valueLength < 0 ? null : packed.subarray(keyEnd, valueEnd),
    headerCount: packed.readInt32BE(16),
    rawHeaders: packed.subarray(valueEnd),
  };
}
