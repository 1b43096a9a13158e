import { canonicalCheck, textMisfit } from '../../../core/canonical-check.ts';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';
import { isNumbered, nullNotNumbered } from '../../sql/destination/numbered-columns.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { type DataType, driverTypes } from './driver-types.ts';
import { dateType, decimalType, timeType } from './exact-types.ts';
import type { RowBytes } from './row-bytes.ts';
import { daysOf, unitsOf } from './time-text.ts';
import { partsOf, type TypeParts } from './type-name.ts';

type Present = Exclude<Value, null>;

/** Writes a value, or returns why it cannot be stored, without the value. */
export type Write = (row: RowBytes, value: Present) => string | undefined;

/** One column of the staging table. */
export interface LoadColumn {
  /** Of the target. */
  readonly name: string;
  /** Native type of the target's column. */
  readonly target: string;
  /** Native type in the staging table. */
  readonly ddl: string;
  readonly type: DataType;
  readonly length?: number;
  readonly isText: boolean;
  readonly write: Write;
  readonly writeNull: (row: RowBytes) => void;
  /** The table would replace NULL with a number of its own. */
  readonly isFilled: boolean;
}

type Form = Pick<LoadColumn, 'ddl' | 'type' | 'length' | 'isText' | 'write' | 'writeNull'>;

export function loadColumn(planned: PlannedColumn, plan: WritePlan): LoadColumn {
  const target = planned.existing?.nativeType ?? planned.ddl;
  const source = planned.source.type;
  const form = formOf(partsOf(target), source);
  const check = form.isText ? undefined : canonicalCheck(source);
  const write: Write = check ? (row, value) => check(value) ?? form.write(row, value) : form.write;
  const isFilled = planned.existing !== null && isNumbered(planned, plan);
  return { name: planned.name, target, ...form, write, isFilled };
}

const maxUnits = 4_000;
const maxBytes = 8_000;
/** The driver declares a longer type as (max). */
const unlimited = 0xff_ff_ff;

const plainNull = (row: RowBytes): void => row.nullValue();

function plainForm(ddl: string, type: DataType, write: Write): Form {
  return { ddl, type, isText: false, write, writeNull: plainNull };
}

function formOf(parts: TypeParts, source: ColumnType): Form {
  const { base, numbers, isMax } = parts;
  const [first = 0, second = 0] = numbers;
  switch (base) {
    case 'bit':
      return plainForm(base, driverTypes.Bit, (row, value) => void row.integer(1, value ? 1 : 0));
    case 'tinyint':
      return plainForm(base, driverTypes.TinyInt, integerOf(1, 0, 255));
    case 'smallint':
      return plainForm(base, driverTypes.SmallInt, integerOf(2, -32_768, 32_767));
    case 'int':
      return plainForm(base, driverTypes.Int, integerOf(4, -2_147_483_648, 2_147_483_647));
    case 'bigint':
      return plainForm(base, driverTypes.BigInt, bigintValue);
    case 'real':
      return plainForm(base, driverTypes.Real, floatOf(4));
    case 'float':
      return plainForm(base, driverTypes.Float, floatOf(8));
    case 'decimal':
    case 'numeric':
      return decimalForm(base, first, second);
    case 'money':
      return decimalForm('decimal', 19, 4);
    case 'smallmoney':
      return decimalForm('decimal', 10, 4);
    case 'uniqueidentifier':
      return plainForm(base, driverTypes.UniqueIdentifier, uuidValue);
    case 'binary':
    case 'varbinary':
      return bytesForm(isMax ? undefined : first);
    case 'image':
      return bytesForm(undefined);
    case 'geometry':
    case 'geography':
      return bytesForm(undefined, bytesOfHex);
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
  switch (base) {
    case 'date':
      return plainForm(base, dateType, momentOf('date', 0));
    case 'time':
      return plainForm(`time(${digits})`, timeType('time', digits), momentOf('time', digits));
    case 'datetime':
      return datetime2(3);
    case 'smalldatetime':
      return datetime2(0);
    case 'datetime2':
      return datetime2(digits);
    case 'datetimeoffset':
      return plainForm(
        `datetimeoffset(${digits})`,
        timeType('datetimeoffset', digits),
        momentOf('instant', digits),
      );
    default:
      return undefined;
  }
}

function datetime2(digits: number): Form {
  return plainForm(`datetime2(${digits})`, timeType('datetime2', digits), momentOf('timestamp', digits));
}

function decimalForm(base: string, precision: number, scale: number): Form {
  return plainForm(
    `${base}(${precision},${scale})`,
    decimalType(precision, scale),
    decimalOf(precision, scale),
  );
}

const tooLong = 'a value is longer than its column';

function bytesForm(length: number | undefined, bytesOf = plainBytes): Form {
  const isMax = length === undefined || length > maxBytes;
  return {
    ddl: isMax ? 'varbinary(max)' : `varbinary(${length})`,
    type: driverTypes.VarBinary,
    length: length ?? unlimited,
    isText: false,
    write(row, value) {
      const bytes = bytesOf(value);
      if (typeof bytes === 'string') return bytes;
      if (length !== undefined && bytes.length > length) return tooLong;
      return void row.bytes(bytes, isMax);
    },
    writeNull: (row) => row.nullLength(isMax),
  };
}

function plainBytes(value: Present): Uint8Array | string {
  return value instanceof Uint8Array ? value : 'not bytes';
}

/** Bytes of a geometry in the server's own form. */
function bytesOfHex(value: Present): Uint8Array | string {
  const text = String(value);
  return /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : 'a value is not a geometry';
}

/** Longer values are refused here: the server removes blanks at the end of a text that is too long. */
function textForm(length: number | undefined, source: ColumnType): Form {
  const isMax = length === undefined || length > maxUnits;
  const most = length ?? Number.POSITIVE_INFINITY;
  const textOf = textReader(source);
  return {
    ddl: isMax ? 'nvarchar(max)' : `nvarchar(${Math.max(1, length)})`,
    type: driverTypes.NVarChar,
    length: isMax ? unlimited : Math.max(1, length),
    isText: true,
    write(row, value) {
      const text = textOf(value);
      if (typeof text !== 'string') return text.why;
      if (text.length > most) return tooLong;
      return void row.text(text, isMax);
    },
    writeNull: (row) => row.nullLength(isMax),
  };
}

const notAnInteger = 'not a valid integer';
const outOfRange = 'a value is out of range';

function integerOf(bytes: 1 | 2 | 4, min: number, max: number): Write {
  return (row, value) => {
    if (typeof value !== 'bigint' && typeof value !== 'boolean' && !Number.isInteger(value))
      return notAnInteger;
    // A bigint that becomes another number is out of range in any case.
    const number = Number(value);
    if (number < min || number > max) return outOfRange;
    return void row.integer(bytes, number);
  };
}

const [leastBigint, mostBigint] = [-(1n << 63n), (1n << 63n) - 1n];

function bigintValue(row: RowBytes, value: Present): string | undefined {
  if (typeof value !== 'bigint' && typeof value !== 'boolean' && !Number.isInteger(value))
    return notAnInteger;
  const number = BigInt(value as bigint | number | boolean);
  if (number < leastBigint || number > mostBigint) return outOfRange;
  return void row.bigint(number);
}

function floatOf(bytes: 4 | 8): Write {
  return (row, value) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return 'SQL Server has no NaN and no infinities';
    return void row.float(bytes, value);
  };
}

const decimalShape = /^([+-]?)(\d*)(?:\.(\d*))?$/;
/** So many digits are exact in a number. */
const exactDigits = 15;

/** The number without its point. Digits that the column does not have are refused, never rounded. */
function decimalOf(precision: number, scale: number): Write {
  const most = 10n ** BigInt(precision);
  return (row, value) => {
    const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
    const [, sign, whole = '', fraction = ''] =
      typeof text === 'string' ? (decimalShape.exec(text) ?? []) : [];
    if (whole === '' && fraction === '') return 'SQL Server has no NaN and no infinities';
    if (fraction.length > scale && /[1-9]/.test(fraction.slice(scale)))
      return `it has more than ${scale} digits after the point`;
    const all = whole + fraction.slice(0, scale).padEnd(scale, '0');
    const digits = all.length <= exactDigits ? Number(all) : BigInt(all);
    if (digits >= most) return outOfRange;
    return void row.decimal(sign === '-', digits);
  };
}

function momentOf(kind: 'date' | 'time' | 'timestamp' | 'instant', digits: number): Write {
  const hasDate = kind === 'timestamp' || kind === 'instant';
  // Rows that follow each other often have the same day.
  let last: { readonly date: string; readonly days: number | undefined } = { date: '', days: undefined };
  const daysIn = (date: string) => {
    if (date !== last.date) last = { date, days: daysOf(date) };
    return last.days;
  };
  return (row, value) => {
    const text = String(value);
    // What is behind a date, such as BC, is part of no date.
    const space = hasDate ? text.indexOf(' ') : -1;
    const days = kind === 'time' ? 0 : daysIn(space < 0 ? text : text.slice(0, space));
    if (days === undefined) return 'SQL Server has the years 1 to 9999 and no infinities';
    if (kind === 'date') return void row.date(days);
    const units = unitsOf(text.slice(space + 1).replace('Z', ''), digits);
    if (units === undefined) return `not a time of a day with ${digits} digits of a second`;
    return void row.time(digits, units, hasDate ? days : undefined, kind === 'instant');
  };
}

function uuidValue(row: RowBytes, value: Present): string | undefined {
  return typeof value === 'string' && row.uuid(value) ? undefined : 'not a valid UUID';
}

/** Why a value has no text. */
interface NoText {
  readonly why: string;
}
type ReadText = (value: Present) => string | NoText;

function textReader(source: ColumnType): ReadText {
  if (source.kind === 'json') return jsonText;
  if (source.kind === 'array')
    return (value) => (Array.isArray(value) ? arrayJson(value, source.of) : plainText(value));
  return (value) => {
    const why = textMisfit(source, value);
    return why === undefined ? plainText(value) : { why };
  };
}

function plainText(value: Present): string | NoText {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return { why: 'a blob is not text' };
  if (Array.isArray(value)) return { why: 'SQL Server has no arrays' };
  return Object.is(value, -0) ? '-0' : String(value);
}

function jsonText(value: Present): string | NoText {
  const text = plainText(value);
  if (typeof text !== 'string') return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return { why: 'not valid JSON' };
  }
}

export interface RefusedValue {
  readonly column: string;
  readonly why: string;
  readonly code: 'ValueNotKept' | 'ConstraintViolated';
}

/** Writes the values of a row that was begun, or returns the column and reason why the row is refused. */
export function encodeRow(
  bytes: RowBytes,
  row: Row,
  columns: readonly LoadColumn[],
): RefusedValue | undefined {
  let index = 0;
  for (const column of columns) {
    const value = row[index++] ?? null;
    if (value !== null) {
      const why = column.write(bytes, value);
      if (why !== undefined) return { column: column.name, why, code: 'ValueNotKept' };
    } else if (column.isFilled)
      return { column: column.name, why: nullNotNumbered, code: 'ConstraintViolated' };
    else column.writeNull(bytes);
  }
  return undefined;
}
