import { isAscii, isUtf8 } from 'node:buffer';
import { Misfit } from '../../../core/records/misfit.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import type { ByteArrays } from './encodings.ts';
import type { LogicalType, SchemaNode } from './footer.ts';
import { dateText, fractionText, timestampText, timeText } from './time-text.ts';

/** The values of one page or dictionary as canonical values, each made when it is asked for. */
export type ValueAt = (index: number) => Value;

/** How a leaf is read. */
export interface LeafType {
  readonly type: ColumnType;
  /** Of values that are stored as numbers. */
  fromNumbers?(values: Int32Array | BigInt64Array | Float32Array | Float64Array): ValueAt;
  /** Of values that are stored as bytes; INT96 too. */
  fromBytes?(values: ByteArrays): ValueAt;
}

/** Throws RangeError for a type that is not possible, such as a UUID of 3 bytes. */
export function leafType({ physical, logical, length, name }: SchemaNode): LeafType {
  switch (physical) {
    case 'BOOLEAN':
      return { type: { kind: 'boolean' }, fromNumbers: (values) => (index) => values[index] === 1 };
    case 'INT32':
      return int32Type(logical);
    case 'INT64':
      return int64Type(logical);
    case 'INT96':
      return { type: { kind: 'timestamp', precision: 9, hasZone: false }, fromBytes: int96 };
    case 'FLOAT':
      return { type: { kind: 'float', bits: 32 }, fromNumbers: plainNumbers };
    case 'DOUBLE':
      return { type: { kind: 'float', bits: 64 }, fromNumbers: plainNumbers };
    case 'BYTE_ARRAY':
      return bytesType(logical, 0);
    case 'FIXED_LEN_BYTE_ARRAY':
      return bytesType(logical, length);
    default:
      throw new RangeError(`column ${name} has no type`);
  }
}

function plainNumbers(values: Int32Array | BigInt64Array | Float32Array | Float64Array): ValueAt {
  return (index) => values[index] ?? null;
}

function int32Type(logical: LogicalType | undefined): LeafType {
  switch (logical?.kind) {
    case 'date':
      return { type: { kind: 'date' }, fromNumbers: (values) => (index) => dateText(Number(values[index])) };
    case 'time':
      return timeType(3, logical.isUtc);
    case 'decimal':
      return decimalType(logical.precision, logical.scale);
    case 'integer':
      return intType(logical.bits, logical.isSigned);
    default:
      return intType(32, true);
  }
}

function int64Type(logical: LogicalType | undefined): LeafType {
  switch (logical?.kind) {
    case 'timestamp': {
      const { digits, isUtc } = logical;
      const suffix = isUtc ? 'Z' : '';
      return {
        type: { kind: 'timestamp', precision: digits, hasZone: isUtc },
        fromNumbers: (values) => (index) => timestampText(values[index] as bigint, digits, suffix),
      };
    }
    case 'time':
      return timeType(logical.digits, logical.isUtc);
    case 'decimal':
      return decimalType(logical.precision, logical.scale);
    case 'integer':
      return intType(logical.bits, logical.isSigned);
    default:
      return intType(64, true);
  }
}

function intType(bits: number, isSigned: boolean): LeafType {
  const width = ([8, 16, 32, 64] as const).find((each) => each === bits) ?? 64;
  const unsigned = isSigned ? {} : { isUnsigned: true as const };
  return {
    type: { kind: 'int', bits: width, ...unsigned },
    fromNumbers(values) {
      if (values instanceof BigInt64Array) {
        if (width !== 64) return (index) => Number(values[index]);
        return isSigned ? plainNumbers(values) : (index) => BigInt.asUintN(64, values[index] ?? 0n);
      }
      if (isSigned) return width === 64 ? (index) => BigInt(values[index] ?? 0) : plainNumbers(values);
      return (index) => Number(values[index]) >>> 0;
    },
  };
}

/** A time that is "adjusted to UTC" is the time of day in UTC. */
function timeType(digits: 3 | 6 | 9, isUtc: boolean): LeafType {
  const suffix = isUtc ? '+00' : '';
  return {
    type: { kind: 'time', precision: digits, hasZone: isUtc },
    fromNumbers: (values) => (index) => timeText(Number(values[index]), digits, suffix),
  };
}

function decimalType(precision: number, scale: number): LeafType {
  return {
    type: { kind: 'decimal', precision, scale },
    fromNumbers: (values) => (index) => decimalText(String(values[index]), scale),
    fromBytes:
      ({ bytes, starts, ends }) =>
      (index) =>
        decimalText(String(signedOf(bytes, starts[index] ?? 0, ends[index] ?? 0)), scale),
  };
}

/** Digits of an unscaled number with its point. */
export function decimalText(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const isNegative = digits.startsWith('-');
  const padded = (isNegative ? digits.slice(1) : digits).padStart(scale + 1, '0');
  const point = padded.length - scale;
  return `${isNegative ? '-' : ''}${padded.slice(0, point)}.${padded.slice(point)}`;
}

/** Two's complement, highest byte first. */
function signedOf(bytes: Buffer, start: number, end: number): bigint {
  const length = end - start;
  if (length <= 0) return 0n;
  if (length <= 6) return BigInt(bytes.readIntBE(start, length));
  const value = BigInt(`0x${bytes.toString('hex', start, end)}`);
  return BigInt.asIntN(8 * length, value);
}

function bytesType(logical: LogicalType | undefined, length: number): LeafType {
  switch (logical?.kind) {
    case 'string':
    case 'enum':
      return { type: { kind: 'text' }, fromBytes: texts };
    case 'json':
      return { type: { kind: 'json' }, fromBytes: texts };
    case 'decimal':
      return decimalType(logical.precision, logical.scale);
    case 'uuid':
      requireLength(length, 16, 'a UUID');
      return { type: { kind: 'uuid' }, fromBytes: uuids };
    case 'float16':
      requireLength(length, 2, 'a 16-bit number');
      return { type: { kind: 'float', bits: 32 }, fromBytes: halves };
    case 'interval':
      requireLength(length, 12, 'an interval');
      return { type: { kind: 'interval' }, fromBytes: intervals };
    default:
      return {
        type: { kind: 'bytes', ...(length > 0 && { maxLength: length, isFixed: true }) },
        fromBytes:
          ({ bytes, starts, ends }) =>
          (index) =>
            Buffer.from(bytes.subarray(starts[index], ends[index])),
      };
  }
}

function requireLength(length: number, wanted: number, what: string): void {
  if (length !== wanted) throw new RangeError(`${what} has ${length} bytes`);
}

function texts({ bytes, starts, ends }: ByteArrays): ValueAt {
  const all = bytes.subarray(starts[0] ?? 0, ends.at(-1) ?? 0);
  if (isAscii(all)) return (index) => bytes.toString('latin1', starts[index], ends[index]);
  return (index) => {
    const text = bytes.toString('utf8', starts[index], ends[index]);
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(starts[index], ends[index])))
      throw new Misfit('is not valid UTF-8');
    return text;
  };
}

function uuids({ bytes, starts }: ByteArrays): ValueAt {
  return (index) => {
    const start = starts[index] ?? 0;
    const hex = bytes.toString('hex', start, start + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}

function halves({ bytes, starts }: ByteArrays): ValueAt {
  return (index) => {
    const bits = bytes.readUInt16LE(starts[index] ?? 0);
    const sign = bits >> 15 === 0 ? 1 : -1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * 2 ** -24 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction / 1_024);
  };
}

/** Nanoseconds of the day, then the Julian day. */
function int96({ bytes, starts }: ByteArrays): ValueAt {
  return (index) => {
    const start = starts[index] ?? 0;
    const days = BigInt(bytes.readInt32LE(start + 8) - 2_440_588);
    return timestampText(days * 86_400_000_000_000n + bytes.readBigInt64LE(start), 9, '');
  };
}

/** Months, days and milliseconds. */
function intervals({ bytes, starts }: ByteArrays): ValueAt {
  return (index) => {
    const start = starts[index] ?? 0;
    const [months, days, millis] = [0, 4, 8].map((offset) => bytes.readUInt32LE(start + offset)) as [
      number,
      number,
      number,
    ];
    const seconds = `${Math.floor(millis / 1_000)}${fractionText(millis % 1_000, 3)}`;
    return `P${months}M${days}DT${seconds}S`;
  };
}
