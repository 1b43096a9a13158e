import { canonicalCheck, textMisfit } from '../../../core/canonical-check.ts';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';
import { isNumbered, nullNotNumbered } from '../../sql/destination/numbered-columns.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { type DataType, driverTypes } from './driver-types.ts';
import { dateType, decimalType, floatType, type Moment, timeType } from './exact-types.ts';
import { daysOf, unitsOf } from './time-text.ts';
import { partsOf, type TypeParts } from './type-name.ts';

/** Why a value cannot be stored, without the value. */
export class Misfit {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** What the driver writes for a value. */
export type Loaded = string | number | bigint | boolean | Buffer | Moment | null;
export type Encode = (value: Exclude<Value, null>) => Loaded | Misfit;

/** One column of the staging table. */
export interface StageColumn {
  /** Of the target. */
  readonly name: string;
  /** Native type of the target's column. */
  readonly target: string;
  /** Native type in the staging table. */
  readonly ddl: string;
  readonly type: DataType;
  readonly length?: number;
  readonly isText: boolean;
  readonly encode: Encode;
  /** The table would replace NULL with a number of its own. */
  readonly isFilled: boolean;
}

type Form = Pick<StageColumn, 'ddl' | 'type' | 'length' | 'isText'> & { readonly encode: Encode };

export function stageColumn(planned: PlannedColumn, plan: WritePlan): StageColumn {
  const target = planned.existing?.nativeType ?? planned.ddl;
  const source = planned.source.type;
  const form = formOf(partsOf(target), source);
  const check = form.isText ? undefined : canonicalCheck(source);
  const encode: Encode = check
    ? (value) => {
        const why = check(value);
        return why === undefined ? form.encode(value) : new Misfit(why);
      }
    : form.encode;
  const isFilled = planned.existing !== null && isNumbered(planned, plan);
  return { name: planned.name, target, ...form, encode, isFilled };
}

const maxUnits = 4_000;
const maxBytes = 8_000;
/** The driver declares a longer type as (max). */
const unlimited = 0xff_ff_ff;

function formOf(parts: TypeParts, source: ColumnType): Form {
  const { base, numbers, isMax } = parts;
  const [first = 0, second = 0] = numbers;
  switch (base) {
    case 'bit':
      return { ddl: 'bit', type: driverTypes.Bit, isText: false, encode: (value) => value as boolean };
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return { ddl: 'bigint', type: driverTypes.BigInt, isText: false, encode: integerOf(base) };
    case 'real':
    case 'float':
      return { ddl: 'float', type: floatType, isText: false, encode: floatOf(base) };
    case 'decimal':
    case 'numeric':
      return decimalForm(first, second);
    case 'money':
      return decimalForm(19, 4);
    case 'smallmoney':
      return decimalForm(10, 4);
    case 'uniqueidentifier':
      return { ddl: base, type: driverTypes.UniqueIdentifier, isText: false, encode: textOf(source) };
    case 'binary':
    case 'varbinary':
      return bytesForm(isMax ? undefined : first);
    case 'image':
      return bytesForm(undefined);
    case 'geometry':
    case 'geography':
      return { ...bytesForm(undefined), encode: hexOf };
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar':
      return textForm(isMax ? undefined : first, source);
    default:
      return timeForm(base, first) ?? textForm(undefined, source);
  }
}

function timeForm(base: string, digits: number): Form | undefined {
  const isText = false;
  switch (base) {
    case 'date':
      return { ddl: base, type: dateType, isText, encode: momentOf('date', 0) };
    case 'time':
      return {
        ddl: `time(${digits})`,
        type: timeType('time', digits),
        isText,
        encode: momentOf('time', digits),
      };
    case 'datetime':
      return datetime2(3);
    case 'smalldatetime':
      return datetime2(0);
    case 'datetime2':
      return datetime2(digits);
    case 'datetimeoffset':
      return {
        ddl: `datetimeoffset(${digits})`,
        type: timeType('datetimeoffset', digits),
        isText,
        encode: momentOf('timestamp', digits),
      };
    default:
      return undefined;
  }
}

function datetime2(digits: number): Form {
  const encode = momentOf('timestamp', digits);
  return { ddl: `datetime2(${digits})`, type: timeType('datetime2', digits), isText: false, encode };
}

function decimalForm(precision: number, scale: number): Form {
  const encode = decimalOf(precision, scale);
  return {
    ddl: `decimal(${precision},${scale})`,
    type: decimalType(precision, scale),
    isText: false,
    encode,
  };
}

function bytesForm(length: number | undefined): Form {
  const ddl = length === undefined || length > maxBytes ? 'varbinary(max)' : `varbinary(${length})`;
  const encode: Encode = (value) => {
    if (!(value instanceof Uint8Array)) return new Misfit('not bytes');
    if (length !== undefined && value.length > length) return new Misfit(tooLong);
    return Buffer.from(value.buffer, value.byteOffset, value.length);
  };
  return { ddl, type: driverTypes.VarBinary, length: length ?? unlimited, isText: false, encode };
}

const tooLong = 'a value is longer than its column';

/** Longer values are refused here: the server removes blanks at the end of a text that is too long. */
function textForm(length: number | undefined, source: ColumnType): Form {
  const isShort = length !== undefined && length <= maxUnits;
  const write = textOf(source);
  const encode: Encode =
    length === undefined
      ? write
      : (value) => {
          const text = write(value);
          return typeof text === 'string' && text.length > length ? new Misfit(tooLong) : text;
        };
  const ddl = isShort ? `nvarchar(${Math.max(1, length)})` : 'nvarchar(max)';
  return {
    ddl,
    type: driverTypes.NVarChar,
    length: isShort ? Math.max(1, length) : unlimited,
    isText: true,
    encode,
  };
}

const ranges = {
  tinyint: [0n, 255n],
  smallint: [-32_768n, 32_767n],
  int: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-(1n << 63n), (1n << 63n) - 1n],
} as const;

function integerOf(base: keyof typeof ranges): Encode {
  const [min, max] = ranges[base];
  return (value) => {
    if (typeof value === 'boolean') return value ? 1n : 0n;
    if (typeof value !== 'bigint' && !Number.isInteger(value)) return new Misfit('not a valid integer');
    const number = BigInt(value as number | bigint);
    return number >= min && number <= max ? number : new Misfit('a value is out of range');
  };
}

function floatOf(base: 'real' | 'float'): Encode {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return new Misfit('SQL Server has no NaN and no infinities');
    return base === 'real' ? Math.fround(value) : value;
  };
}

const decimalShape = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** The number without its point. Digits that the column does not have are refused, never rounded. */
function decimalOf(precision: number, scale: number): Encode {
  const most = 10n ** BigInt(precision);
  return (value) => {
    const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
    const [, sign, whole = '', fraction = ''] =
      typeof text === 'string' ? (decimalShape.exec(text) ?? []) : [];
    if (whole === '' && fraction === '') return new Misfit('SQL Server has no NaN and no infinities');
    if (/[1-9]/.test(fraction.slice(scale)))
      return new Misfit(`it has more than ${scale} digits after the point`);
    const digits = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0') || '0');
    if (digits >= most) return new Misfit('a value is out of range');
    return sign === '-' ? -digits : digits;
  };
}

function momentOf(kind: 'date' | 'time' | 'timestamp', digits: number): Encode {
  // Rows that follow each other often have the same day.
  let last: { readonly date: string; readonly days: number | undefined } = { date: '', days: undefined };
  const daysIn = (date: string) => {
    if (date !== last.date) last = { date, days: daysOf(date) };
    return last.days;
  };
  return (value) => {
    const text = String(value);
    // What is behind a date, such as BC, is part of no date.
    const space = kind === 'timestamp' ? text.indexOf(' ') : -1;
    const date = space < 0 ? text : text.slice(0, space);
    const time = text.slice(space + 1);
    const days = kind === 'time' ? 0 : daysIn(date);
    const units = kind === 'date' ? 0 : unitsOf(time.replace('Z', ''), digits);
    if (days === undefined) return new Misfit('SQL Server has the years 1 to 9999 and no infinities');
    if (units === undefined) return new Misfit(`not a time of a day with ${digits} digits of a second`);
    return { days, units };
  };
}

/** Bytes of a geometry in the server's own form. */
function hexOf(value: Exclude<Value, null>): Buffer | Misfit {
  const text = String(value);
  return /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : new Misfit('a value is not a geometry');
}

function textOf(source: ColumnType): Encode {
  if (source.kind === 'json') return jsonText;
  if (source.kind === 'array')
    return (value) => (Array.isArray(value) ? arrayJson(value, source.of) : plainText(value));
  return (value) => {
    const why = textMisfit(source, value);
    return why === undefined ? plainText(value) : new Misfit(why);
  };
}

function plainText(value: Exclude<Value, null>): string | Misfit {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return new Misfit('a blob is not text');
  if (Array.isArray(value)) return new Misfit('SQL Server has no arrays');
  return Object.is(value, -0) ? '-0' : String(value);
}

function jsonText(value: Exclude<Value, null>): string | Misfit {
  const text = plainText(value);
  if (typeof text !== 'string') return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return new Misfit('not valid JSON');
  }
}

export interface RefusedValue {
  readonly column: string;
  readonly why: string;
  readonly code: 'ValueNotKept' | 'ConstraintViolated';
}

/** What the driver loads for a row, or the column and reason why it is refused. */
export function encodeRow(row: Row, columns: readonly StageColumn[]): Loaded[] | RefusedValue {
  const loaded: Loaded[] = [];
  let index = 0;
  for (const column of columns) {
    const value = row[index++] ?? null;
    if (value === null && column.isFilled)
      return { column: column.name, why: nullNotNumbered, code: 'ConstraintViolated' };
    const made = value === null ? null : column.encode(value);
    if (made instanceof Misfit) return { column: column.name, why: made.why, code: 'ValueNotKept' };
    loaded.push(made);
  }
  return loaded;
}
