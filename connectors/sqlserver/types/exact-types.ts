import type { DataType } from './driver-types.ts';

/**
 * How types are declared in a bulk load where the driver's own declaration would not do: a decimal always has sixteen bytes, and times have
 * a number of digits. The protocol's form of each type is in MS-TDS, 2.2.5.5.
 */
const ids = { date: 0x28, time: 0x29, datetime2: 0x2a, datetimeoffset: 0x2b, decimal: 0x6a } as const;

/** Values are written by types/row-bytes.ts. */
const declaredOnly = {
  validate: (value: unknown) => value,
  hasTableName: false,
  writeValue: () => {},
} as const;

const decimalBytes = 17;

export function decimalType(precision: number, scale: number): DataType {
  return {
    ...declaredOnly,
    id: ids.decimal,
    type: 'DECIMALN',
    name: 'ExactDecimal',
    declaration: () => `decimal(${precision},${scale})`,
    writeTypeInfo: (buffer) => buffer.writeBuffer(Buffer.of(ids.decimal, decimalBytes, precision, scale)),
  };
}

export const dateType: DataType = {
  ...declaredOnly,
  id: ids.date,
  type: 'DATEN',
  name: 'ExactDate',
  declaration: () => 'date',
  writeTypeInfo: (buffer) => buffer.writeUInt8(ids.date),
};

export function timeType(base: 'time' | 'datetime2' | 'datetimeoffset', scale: number): DataType {
  return {
    ...declaredOnly,
    id: ids[base],
    type: `${base.toUpperCase()}N`,
    name: `Exact ${base}`,
    declaration: () => `${base}(${scale})`,
    writeTypeInfo: (buffer) => buffer.writeBuffer(Buffer.of(ids[base], scale)),
  };
}
