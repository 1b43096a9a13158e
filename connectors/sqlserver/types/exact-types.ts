import { type DataType, driverTypes } from './driver-types.ts';

/**
 * Types for the driver that keep every digit: its own go through doubles and JavaScript dates. Values are what encode.ts makes: scaled
 * integers, days and units. The protocol's form of each type is in MS-TDS, 2.2.5.5.
 */
const ids = { date: 0x28, time: 0x29, datetime2: 0x2a, datetimeoffset: 0x2b, decimal: 0x6a } as const;

/** Days and units of a time. */
export interface Moment {
  readonly days: number;
  readonly units: number;
}

const unused = { validate: (value: unknown) => value, hasTableName: false } as const;

/** A number may have fewer bytes by its precision, but not every server reads those. */
const decimalBytes = 16;
const lowBits = 2n ** 64n - 1n;

export function decimalType(precision: number, scale: number): DataType {
  const bytes = decimalBytes;
  return {
    ...unused,
    id: ids.decimal,
    type: 'DECIMALN',
    name: 'ExactDecimal',
    declaration: () => `decimal(${precision},${scale})`,
    writeTypeInfo: (buffer) => buffer.writeBuffer(Buffer.of(ids.decimal, bytes + 1, precision, scale)),
    writeValue(buffer, { value }) {
      if (value === null || value === undefined) return buffer.writeUInt8(0);
      const scaled = value as bigint;
      const magnitude = scaled < 0n ? -scaled : scaled;
      buffer.writeUInt8(bytes + 1);
      buffer.writeUInt8(scaled < 0n ? 0 : 1);
      buffer.writeBigUInt64LE(magnitude & lowBits);
      buffer.writeBigUInt64LE(magnitude >> 64n);
    },
  };
}

/** The driver's own check of a float makes zero of minus zero. */
export const floatType: DataType = { ...driverTypes.Float, ...unused, name: 'ExactFloat' };

export const dateType: DataType = {
  ...unused,
  id: ids.date,
  type: 'DATEN',
  name: 'ExactDate',
  declaration: () => 'date',
  writeTypeInfo: (buffer) => buffer.writeUInt8(ids.date),
  writeValue(buffer, { value }) {
    if (value === null || value === undefined) return buffer.writeUInt8(0);
    buffer.writeUInt8(3);
    buffer.writeUInt24LE((value as Moment).days);
  },
};

export function timeType(base: 'time' | 'datetime2' | 'datetimeoffset', scale: number): DataType {
  const timeBytes = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
  const bytes = timeBytes + (base === 'time' ? 0 : 3) + (base === 'datetimeoffset' ? 2 : 0);
  return {
    ...unused,
    id: ids[base],
    type: `${base.toUpperCase()}N`,
    name: `Exact ${base}`,
    declaration: () => `${base}(${scale})`,
    writeTypeInfo: (buffer) => buffer.writeBuffer(Buffer.of(ids[base], scale)),
    writeValue(buffer, { value }) {
      if (value === null || value === undefined) return buffer.writeUInt8(0);
      const { days, units } = value as Moment;
      buffer.writeUInt8(bytes);
      if (timeBytes === 3) buffer.writeUInt24LE(units);
      else if (timeBytes === 4) buffer.writeUInt32LE(units);
      else buffer.writeUInt40LE(units);
      if (base !== 'time') buffer.writeUInt24LE(days);
      if (base === 'datetimeoffset') buffer.writeUInt16LE(0);
    },
  };
}
