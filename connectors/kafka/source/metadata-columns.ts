import { isUtf8 } from 'node:buffer';
import type { Column, ColumnType, Value } from '../../../core/values.ts';
import type { Envelope } from '../types/debezium.ts';
import { timestampText } from '../types/epoch-time.ts';
import type { Header, RecordCursor } from '../types/record-batch.ts';
import { type RecordNode, recordAccess } from '../types/record-node.ts';

/** The message on which a cursor stands. */
export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly cursor: RecordCursor;
  /** Of an event of Debezium. */
  envelope?: Envelope | undefined;
}

interface MetadataColumn {
  readonly type: ColumnType;
  readonly nativeType: string;
  readonly isNullable: boolean;
  readonly value: (message: Message) => Value;
}

const json = (node: RecordNode | undefined) =>
  node === undefined || node === null ? null : (recordAccess.json(node) ?? null);

/** What the brokers know of a message beside its value, and what Debezium knows of a change. */
const metadataColumns: Readonly<Record<string, MetadataColumn>> = {
  topic: { type: { kind: 'text' }, nativeType: 'topic', isNullable: false, value: ({ topic }) => topic },
  partition: {
    type: { kind: 'int', bits: 32 },
    nativeType: 'partition',
    isNullable: false,
    value: ({ partition }) => partition,
  },
  offset: {
    type: { kind: 'int', bits: 64 },
    nativeType: 'offset',
    isNullable: false,
    value: ({ cursor }) => BigInt(cursor.offset),
  },
  timestamp: {
    type: { kind: 'timestamp', precision: 3, hasZone: true },
    nativeType: 'timestamp',
    isNullable: true,
    value: ({ cursor }) => timestampOf(cursor.timestamp),
  },
  key: {
    type: { kind: 'bytes' },
    nativeType: 'key',
    isNullable: true,
    value: ({ cursor }) => cursor.key,
  },
  headers: {
    type: { kind: 'json' },
    nativeType: 'headers',
    isNullable: false,
    value: ({ cursor }) => headersJson(cursor.headers),
  },
  op: {
    type: { kind: 'text' },
    nativeType: 'op',
    isNullable: true,
    value: ({ envelope }) => envelope?.op ?? null,
  },
  source: {
    type: { kind: 'json' },
    nativeType: 'source',
    isNullable: true,
    value: ({ envelope }) => json(envelope?.source),
  },
  before: {
    type: { kind: 'json' },
    nativeType: 'before',
    isNullable: true,
    value: ({ envelope }) => json(envelope?.before),
  },
};

/** For messages of the manifest's reader. */
export const metadataNames: readonly string[] = Object.keys(metadataColumns);

/** By the names of their columns. */
export const metadataValues: Readonly<Record<string, (message: Message) => Value>> = Object.fromEntries(
  Object.entries(metadataColumns).map(([name, { value }]) => [`_${name}`, value]),
);

/** Undefined: there is no such metadata. */
export function metadataColumn(name: string): Column | undefined {
  const found = Object.hasOwn(metadataColumns, name) ? metadataColumns[name] : undefined;
  if (!found) return undefined;
  const { type, nativeType, isNullable } = found;
  return { name: `_${name}`, type, nativeType, isNullable };
}

/** Null: the message has no time. */
export function timestampOf(ms: number): string | null {
  return ms < 0 ? null : (timestampText(BigInt(ms), 'millis', true) ?? null);
}

/** In their order, because a name may occur twice. Values that are not UTF-8 are in base64, with their own field. */
export function headersJson(headers: readonly Header[]): string {
  return JSON.stringify(
    headers.map(({ name, value }) => {
      if (value === null) return { name, value: null };
      return isUtf8(value)
        ? { name, value: value.toString('utf8') }
        : { name, base64: value.toString('base64') };
    }),
  );
}
