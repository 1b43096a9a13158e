import type { ColumnType } from '../values.ts';

/**
 * Canonical types as text, in manifests and stored offsets (docs/columns.md):
 *
 * - `boolean`, `uuid`, `json`, `date`, `interval`
 * - `int8`, `int16`, `int24`, `int32`, `int64`, and `uint8` to `uint64`
 * - `float32`, `float64`
 * - `decimal`, `decimal(18)`, `decimal(18,2)`; without a precision it keeps any number of digits
 * - `text`, `text(40)` for at most 40 characters, `char(5)` for blank-padded ones
 * - `bytes`, `bytes(16)`, `binary(16)` for a fixed length
 * - `time`, `timestamp`, `time(3)`, `timestamp(0) with time zone`; digits of the second, 6 by default
 * - `bit(8)`, `bit varying`, `bit varying(8)`
 * - `enum('new','paid')`; a quotation mark in a value is doubled
 * - any of them with `[]` behind it: an array
 *
 * Types that only one system has (`inet`, `geometry`) have no such text.
 */
export function parseType(text: string): ColumnType | undefined {
  const trimmed = text.trim();
  if (trimmed.endsWith('[]')) {
    const of = parseType(trimmed.slice(0, -2));
    return of && { kind: 'array', of };
  }
  if (/^enum\s*\(/.test(trimmed)) return parseEnum(trimmed);
  const match = /^([a-z]+(?:8|16|24|32|64)?(?: varying)?)(?:\s*\(([\d\s,]*)\))?( with time zone)?$/.exec(
    trimmed,
  );
  if (!match) return undefined;
  const [, name = '', list, zone] = match;
  const numbers = list === undefined ? [] : list.split(',').map((each) => each.trim());
  if (!numbers.every((each) => /^\d{1,9}$/.test(each))) return undefined;
  return typeOf(name, numbers.map(Number), zone !== undefined);
}

export const defaultPrecision = 6;
/** Digits of a second, and the digits of a decimal. */
const mostPrecision = 9;
const mostDigits = 1_000;

function typeOf(name: string, numbers: readonly number[], hasZone: boolean): ColumnType | undefined {
  const [first, second] = numbers;
  if (name === 'time' || name === 'timestamp') {
    const precision = first ?? defaultPrecision;
    return numbers.length > 1 || precision > mostPrecision ? undefined : { kind: name, precision, hasZone };
  }
  if (hasZone || first === 0) return undefined;
  if (name === 'decimal') {
    if (numbers.length > 2 || (first ?? 0) > mostDigits || (second ?? 0) > (first ?? 0)) return undefined;
    if (first === undefined) return { kind: 'decimal' };
    return { kind: 'decimal', precision: first, scale: second ?? 0 };
  }
  if (numbers.length > 1) return undefined;
  return withLength(name, first) ?? (first === undefined ? plainType(name) : undefined);
}

function withLength(name: string, length: number | undefined): ColumnType | undefined {
  const maxLength = length === undefined ? {} : { maxLength: length };
  switch (name) {
    case 'text':
    case 'bytes':
      return { kind: name, ...maxLength };
    case 'char':
      return length === undefined ? undefined : { kind: 'text', maxLength: length, isFixed: true };
    case 'binary':
      return length === undefined ? undefined : { kind: 'bytes', maxLength: length, isFixed: true };
    case 'bit':
      return length === undefined ? undefined : { kind: 'bit', length };
    case 'bit varying':
      return { kind: 'bit', isVarying: true, ...(length !== undefined && { length }) };
    default:
      return undefined;
  }
}

function plainType(name: string): ColumnType | undefined {
  switch (name) {
    case 'boolean':
    case 'uuid':
    case 'json':
    case 'date':
    case 'interval':
      return { kind: name };
    case 'float32':
      return { kind: 'float', bits: 32 };
    case 'float64':
      return { kind: 'float', bits: 64 };
    default:
      return intType(name);
  }
}

const intBits = [8, 16, 24, 32, 64] as const;

function intType(name: string): ColumnType | undefined {
  const [, unsigned, digits] = /^(u?)int(\d+)$/.exec(name) ?? [];
  const bits = intBits.find((each) => String(each) === digits);
  if (bits === undefined) return undefined;
  return unsigned === 'u' ? { kind: 'int', bits, isUnsigned: true } : { kind: 'int', bits };
}

function parseEnum(text: string): ColumnType | undefined {
  const match = /^enum\s*\(((?:\s*'(?:[^']|'')*'\s*,)*\s*'(?:[^']|'')*'\s*)\)$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  const values = [...match[1].matchAll(/'((?:[^']|'')*)'/g)].map(([, value = '']) =>
    value.replaceAll("''", "'"),
  );
  return { kind: 'enum', values };
}

/** The text that parseType reads back; undefined for types that only one system has. */
export function formatType(type: ColumnType): string | undefined {
  switch (type.kind) {
    case 'int':
      return `${type.isUnsigned ? 'u' : ''}int${type.bits}`;
    case 'float':
      return `float${type.bits}`;
    case 'decimal':
      return type.precision === undefined ? 'decimal' : `decimal(${type.precision},${type.scale ?? 0})`;
    case 'text':
      return `${type.isFixed ? 'char' : 'text'}${lengthOf(type.maxLength)}`;
    case 'bytes':
      return `${type.isFixed ? 'binary' : 'bytes'}${lengthOf(type.maxLength)}`;
    case 'time':
    case 'timestamp': {
      const digits = type.precision === defaultPrecision ? '' : `(${type.precision})`;
      return `${type.kind}${digits}${type.hasZone ? ' with time zone' : ''}`;
    }
    case 'bit':
      return `bit${type.isVarying ? ' varying' : ''}${lengthOf(type.length)}`;
    case 'enum':
      return `enum(${type.values.map((each) => `'${each.replaceAll("'", "''")}'`).join(',')})`;
    case 'array': {
      const of = formatType(type.of);
      return of && `${of}[]`;
    }
    case 'other':
    case 'untyped':
      return undefined;
    default:
      return type.kind;
  }
}

function lengthOf(length: number | undefined): string {
  return length === undefined ? '' : `(${length})`;
}
