import type { WritePlan } from '../../../core/connector.ts';
import { nullInKey } from '../../../core/null-in-key.ts';
import { type ColumnMisfit, rowWriter } from '../../../core/records/canonical-json.ts';
import type { Column, Row, Value } from '../../../core/values.ts';
import { AvroWriter, avroRecord } from './avro-encode.ts';
import { countOf } from './epoch-time.ts';
import type { Header } from './record-batch.ts';

/** A message; in a refusal the column is that of the value, if it is one. */
export interface Encoded {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}
export type Refused = { readonly column?: string; readonly reason: string };

export interface RowEncoder {
  row(row: Row): Encoded | Refused;
  deletion(row: Row): Encoded | Refused;
}

type Part = (row: Row) => Buffer | string | null | ColumnMisfit;

function encoderOf(key: Part, value: Part): RowEncoder {
  const encode = (row: Row, toValue: Part): Encoded | Refused => {
    const [keyPart, valuePart] = [key(row), toValue(row)];
    if (isMisfit(keyPart)) return keyPart;
    if (isMisfit(valuePart)) return valuePart;
    return { key: keyPart, value: valuePart };
  };
  return { row: (row) => encode(row, value), deletion: (row) => encode(row, () => null) };
}

function isMisfit(part: ReturnType<Part>): part is ColumnMisfit {
  return typeof part === 'object' && part !== null && 'reason' in part;
}

function columnsOf(plan: WritePlan): readonly Pick<Column, 'name' | 'type'>[] {
  return plan.columns.columns.map(({ name, source }) => ({ name, type: source.type }));
}

/** The values of the key, in its order. */
function keyOf(plan: WritePlan) {
  const columns = columnsOf(plan);
  const indexes = plan.key.map((name) => columns.findIndex((each) => each.name === name));
  return {
    columns: indexes.map((index) => columns[index] as Pick<Column, 'name' | 'type'>),
    values: (row: Row): readonly Value[] => indexes.map((index) => row[index] ?? null),
  };
}

/** Key and value are JSON objects. */
export function jsonEncoder(plan: WritePlan, numbersAsText: boolean): RowEncoder {
  const key = keyOf(plan);
  const writeKey = rowWriter(key.columns, { numbersAsText, writesNull: true });
  const writeValue = rowWriter(columnsOf(plan), { numbersAsText });
  const hasKey = key.columns.length > 0;
  const isNull = nullInKey(plan);
  return encoderOf((row) => {
    const column = isNull(row);
    if (column !== undefined) return { column, reason: 'is NULL in a key' };
    return hasKey ? writeKey(key.values(row)) : null;
  }, writeValue);
}

/** Of Avro: the schemas of key and value, to be registered. */
export function avroSchemas(topic: string, plan: WritePlan) {
  const key = keyOf(plan);
  return {
    key: key.columns.length > 0 ? avroRecord(`${topic}_key`, key.columns, true) : undefined,
    value: avroRecord(topic, columnsOf(plan), false),
  };
}

/** Each part begins with a zero and the id of its schema. */
export function avroEncoder(
  plan: WritePlan,
  schemas: ReturnType<typeof avroSchemas>,
  ids: { readonly key: number; readonly value: number },
): RowEncoder {
  const key = keyOf(plan);
  const writer = new AvroWriter();
  const part = (
    record: ReturnType<typeof avroRecord>,
    id: number,
    values: readonly Value[],
  ): Buffer | ColumnMisfit => {
    writer.reset();
    writer.byte(0);
    writer.int32(id);
    return record.write(values, writer) ?? writer.bytes();
  };
  const { key: keySchema, value: valueSchema } = schemas;
  return encoderOf(
    (row) => (keySchema ? part(keySchema, ids.key, key.values(row)) : null),
    (row) => part(valueSchema, ids.value, row),
  );
}

const rawNames = ['key', 'value', 'headers', 'timestamp'] as const;

/** Columns that `format: Raw` does not write. */
export function unknownRawColumns(plan: WritePlan): readonly string[] {
  const known: readonly string[] = [...rawNames, 'topic', 'partition', 'offset'];
  return columnsOf(plan)
    .map(({ name }) => name)
    .filter((name) => !known.includes(name));
}

/** Columns key and value as they are; headers and timestamp if there are such columns. */
export function rawEncoder(plan: WritePlan): RowEncoder {
  const columns = columnsOf(plan);
  const [keyAt, valueAt, headersAt, timeAt] = rawNames.map((name) =>
    columns.findIndex((each) => each.name === name),
  ) as [number, number, number, number];
  const cell = (row: Row, at: number) => (at < 0 ? null : (row[at] ?? null));
  return {
    row(row) {
      const headers = parseHeaders(cell(row, headersAt));
      if (headers === undefined) return { column: 'headers', reason: 'is not a list of headers' };
      const time = cell(row, timeAt);
      const timestamp = typeof time === 'string' ? countOf(time.replace(/Z$/, ''), 'millis') : undefined;
      return {
        key: bytesOf(cell(row, keyAt)),
        value: bytesOf(cell(row, valueAt)),
        headers,
        ...(timestamp !== undefined && timestamp >= 0n && { timestamp: Number(timestamp) }),
      };
    },
    deletion: (row) => ({ key: bytesOf(cell(row, keyAt)), value: null }),
  };
}

function bytesOf(value: Value): Buffer | string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value) : String(value);
}

/** As the source writes them: `[{"name":"n","value":"text"}]`. */
function parseHeaders(value: Value): readonly Header[] | undefined {
  if (value === null) return [];
  try {
    const list = JSON.parse(String(value)) as unknown;
    if (!Array.isArray(list)) return undefined;
    return list.map((each: Record<string, unknown>) => {
      const { name, value: text, base64 } = each;
      if (typeof name !== 'string') throw new Error('no name');
      if (typeof base64 === 'string') return { name, value: Buffer.from(base64, 'base64') };
      return { name, value: text === null || text === undefined ? null : Buffer.from(String(text)) };
    });
  } catch {
    return undefined;
  }
}
