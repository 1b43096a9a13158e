import type { RecordColumn } from '../../../core/records/record-column.ts';
import { parseType } from '../../../core/records/type-text.ts';
import type { ColumnType } from '../../../core/values.ts';
import { bytesOf } from './connect-types.ts';
import { dateNode, decimalText, timeNode, timestampNode, type Unit } from './epoch-time.ts';
import { bigintOf, isObject, type RecordNode, recordAccess, TypedNode } from './record-node.ts';

/** A value without a schema for a column whose type the manifest names; undefined: leave it as it is. */
type Adapt = (node: RecordNode) => RecordNode | undefined;

/**
 * Events of Debezium in JSON without schema have times as counts and decimals as base64 of their bytes. What they are is known from the
 * type that the manifest gives to the column: by its precision, as Debezium chooses the unit (time.precision.mode: adaptive).
 */
export function adapterOf(columns: readonly RecordColumn[]): (row: RecordNode) => RecordNode {
  const adapts = columns.flatMap(({ path, type }) => {
    const parsed = parseType(type);
    const adapt = parsed && adaptTo(parsed);
    // Debezium's rows are flat.
    return adapt && /^[^.[\]\\]+$/.test(path) ? [[path, adapt] as const] : [];
  });
  if (adapts.length === 0) return (row) => row;
  return (row) => {
    if (!isObject(row)) return row;
    let changed: Map<string, RecordNode> | undefined;
    for (const [name, adapt] of adapts) {
      const node = row.get(name);
      if (node === undefined || node === null || node instanceof TypedNode) continue;
      const adapted = adapt(node);
      if (adapted === undefined) continue;
      changed ??= new Map(row);
      changed.set(name, adapted);
    }
    return changed ?? row;
  };
}

function adaptTo(type: ColumnType): Adapt | undefined {
  switch (type.kind) {
    case 'date':
      return counted(dateNode);
    case 'time':
      return type.hasZone ? undefined : counted((value) => timeNode(value, unitOf(type.precision)));
    case 'timestamp':
      return type.hasZone
        ? undefined
        : counted((value) => timestampNode(value, unitOf(type.precision), false));
    case 'decimal': {
      const { scale = 0, precision } = type;
      return precision === undefined ? undefined : decimalAdapter(scale);
    }
    default:
      return undefined;
  }
}

function unitOf(precision: number): Unit {
  return precision <= 3 ? 'millis' : precision <= 6 ? 'micros' : 'nanos';
}

function counted(make: (value: bigint) => TypedNode | undefined): Adapt {
  return (node) => {
    const value = bigintOf(node);
    return value === undefined ? undefined : make(value);
  };
}

/** A decimal of which is not known how it is written. It fits no column. */
export const unclearDecimal: TypedNode = new TypedNode({ kind: 'other', name: 'decimal or bytes' });

/**
 * Debezium writes all decimals as base64 of their bytes, or all as text (decimal.handling.mode). Some values may be either: 1234 as base64 are
 * three bytes of another number. The last value of the column that leaves no doubt decides about them.
 */
function decimalAdapter(scale: number): Adapt {
  let isText: boolean | undefined;
  return (node) => {
    const value = recordAccess.read(node);
    if (value.kind !== 'text') return undefined;
    const bytes = bytesOf(node);
    const isNumber = /^-?\d+(\.\d+)?$/.test(value.text);
    if (!isNumber || bytes === undefined) {
      isText = isNumber;
      return isNumber ? undefined : decimalOf(bytes, scale);
    }
    if (isText === undefined) return unclearDecimal;
    return isText ? undefined : decimalOf(bytes, scale);
  };
}

function decimalOf(bytes: Buffer | undefined, scale: number): RecordNode | undefined {
  const text = bytes && decimalText(bytes, scale);
  return text === undefined ? undefined : new TypedNode({ kind: 'decimal', text });
}
