import { daysOf } from '../../../core/civil-date.ts';
import { jsonOf } from '../../../core/records/canonical-json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { isDecimal, isTime } from './write-types.ts';

type Some = Exclude<Value, null>;
/** A canonical value as the driver writes it, or why the column cannot keep it. */
export type Encode = (value: Some) => unknown;

export function encoderOf(type: ColumnType): Encode {
  switch (type.kind) {
    case 'boolean':
    case 'float':
      return (value) => value;
    case 'int':
      return type.bits === 64 ? (value) => BigInt(value as bigint) : (value) => value;
    case 'decimal':
      return isDecimal(type) ? decimalEncoder(type.precision, type.scale ?? 0) : String;
    case 'bytes':
      return (value) => value;
    case 'date':
      return encodeDate;
    case 'time':
      return isTime(type) ? timeEncoder(type.precision) : String;
    case 'timestamp':
      return timestampEncoder(type.precision);
    case 'uuid':
      return encodeUuid;
    case 'array':
      return type.of.kind === 'array' ? jsonEncoder(type) : arrayEncoder(type.of);
    case 'json':
    case 'untyped':
      return jsonEncoder(type);
    default:
      return String;
  }
}

function jsonEncoder(type: ColumnType): Encode {
  const json = jsonOf(type);
  return (value) => {
    const text = json(value);
    return text instanceof Misfit ? text : Buffer.from(text);
  };
}

function arrayEncoder(of: ColumnType): Encode {
  const encode = encoderOf(of);
  return (value) => {
    const items: unknown[] = [];
    for (const item of value as readonly Value[]) {
      if (Array.isArray(item)) return new Misfit('has more dimensions than its type');
      const encoded = item === null ? null : encode(item);
      if (encoded instanceof Misfit) return new Misfit(`has an element that ${encoded.reason}`);
      items.push(encoded);
    }
    return items;
  };
}

const tooManyDigits = (precision: number, scale: number) =>
  new Misfit(`is not a number of at most ${precision} digits with ${scale} behind the point`);

/** The number without its point. */
function decimalEncoder(precision: number, scale: number): Encode {
  const misfit = tooManyDigits(precision, scale);
  const limit = 10n ** BigInt(precision);
  return (value) => {
    const text = String(value);
    const point = text.indexOf('.');
    const whole = point < 0 ? text : text.slice(0, point);
    const fraction = point < 0 ? '' : text.slice(point + 1);
    if (!/^-?\d*$/.test(whole) || !/^\d*$/.test(fraction) || text === '') return misfit;
    if (fraction.length > scale && !/^0*$/.test(fraction.slice(scale))) return misfit;
    const digits = BigInt(`${whole === '-' ? '-0' : whole}${fraction.slice(0, scale).padEnd(scale, '0')}`);
    return digits < limit && digits > -limit ? digits : misfit;
  };
}

const notADate = new Misfit('is not a date of the years 1 to 9999');
const notATime = new Misfit('is not a time of a day');
const outOfRange = new Misfit('is outside of the years 1678 to 2261, which nanoseconds can represent');

/** Days since 1970; undefined if the text does not begin with a date of four digits. */
function daysFrom(text: string): number | undefined {
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return undefined;
  const [year, month, day] = [numberAt(text, 0, 4), numberAt(text, 5, 7), numberAt(text, 8, 10)];
  // Not a number, or a zero date of MySQL.
  return year > 0 && month > 0 && day > 0 ? daysOf({ year, month, day }) : undefined;
}

function numberAt(text: string, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function encodeDate(value: Some): unknown {
  const text = String(value);
  const days = text.length === 10 ? daysFrom(text) : undefined;
  return days ?? notADate;
}

/** Seconds of a clock `HH:MM:SS` that begins here. */
function secondsAt(text: string, at: number): number {
  if (text.charCodeAt(at + 2) !== 0x3a || text.charCodeAt(at + 5) !== 0x3a) return Number.NaN;
  return (
    numberAt(text, at, at + 2) * 3_600 + numberAt(text, at + 3, at + 5) * 60 + numberAt(text, at + 6, at + 8)
  );
}

/** The digits behind the point at `at`, in units of 10^-digits; NaN if there are more. */
function fractionAt(text: string, at: number, end: number, digits: number): number {
  if (at === end) return 0;
  if (text.charCodeAt(at) !== 0x2e) return Number.NaN;
  const length = end - at - 1;
  const kept = numberAt(text, at + 1, Math.min(end, at + 1 + digits));
  if (length > digits && !/^0*$/.test(text.slice(at + 1 + digits, end))) return Number.NaN;
  return kept * 10 ** Math.max(0, digits - length);
}

function timeEncoder(precision: number): Encode {
  const digits = precision > 6 ? 9 : 6;
  return (value) => {
    const text = String(value);
    const units = secondsAt(text, 0) * 10 ** digits + fractionAt(text, 8, text.length, digits);
    return units >= 0 && units < 86_400 * 10 ** digits ? BigInt(units) : notATime;
  };
}

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

function timestampEncoder(precision: number): Encode {
  const digits = precision > 6 ? 9 : 6;
  const perSecond = BigInt(10 ** digits);
  return (value) => {
    const text = String(value);
    const end = text.endsWith('Z') ? text.length - 1 : text.length;
    const days = daysFrom(text);
    const seconds = secondsAt(text, 11);
    const fraction = fractionAt(text, 19, end, digits);
    if (days === undefined || !(seconds >= 0) || !(fraction >= 0)) return notADate;
    const units = BigInt(days * 86_400 + seconds) * perSecond + BigInt(fraction);
    return units >= least && units <= most ? units : outOfRange;
  };
}

const notAUuid = new Misfit('is not a UUID');

function encodeUuid(value: Some): unknown {
  const bytes = Buffer.from(String(value).replaceAll('-', ''), 'hex');
  return bytes.length === 16 ? bytes : notAUuid;
}
