import { withoutFractionZeros } from '../../../core/text-end.ts';
import type { Column, ColumnType, Value } from '../../../core/values.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { type Affinity, affinityOf } from './column-types.ts';
import { plainDigits, type Stored } from './decode.ts';

/** Why a value cannot be stored, without the value. */
export class Misfit {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Undefined if every value can be bound unchanged. */
export type Encode = ((value: Value) => Stored | Misfit) | undefined;

const maxInteger = 2n ** 63n - 1n;

/** `target` is the column's declared type in this SQLite; `source` is the type of the values. */
export function encoderOf(source: ColumnType, target: Pick<Column, 'nativeType'>): Encode {
  const affinity = affinityOf(target.nativeType);
  switch (source.kind) {
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? (value ? 1n : 0n) : asStored(value));
    case 'int':
      return (value) => encodeInteger(value, affinity);
    case 'float':
      return (value) => encodeFloat(value, affinity);
    case 'decimal':
      return affinity === 'TEXT' || affinity === 'BLOB' ? asStored : encodeDecimalAsNumber;
    case 'array': {
      const { of } = source;
      return (value) => (Array.isArray(value) ? arrayJson(value, of) : asStored(value));
    }
    case 'json':
    case 'untyped':
      return affinity === 'TEXT' || affinity === 'BLOB' ? asStored : encodeBesideNumbers;
    default:
      return asStored;
  }
}

/** A value of another kind than its column's (which SQLite allows) is stored unchanged; a value that SQLite has no kind for is a misfit. */
function asStored(value: Value): Stored | Misfit {
  switch (typeof value) {
    case 'boolean':
      return value ? 1n : 0n;
    case 'number':
      return Number.isNaN(value) ? new Misfit('SQLite stores NaN as NULL') : value;
    case 'bigint':
      return value > maxInteger ? new Misfit('SQLite has no integers above 2^63-1') : value;
    case 'string':
      return value;
    default:
      return value === null || value instanceof Uint8Array
        ? (value as Stored)
        : new Misfit('SQLite has no arrays');
  }
}

function encodeInteger(value: Value, affinity: Affinity): Stored | Misfit {
  if (affinity === 'TEXT' && (typeof value === 'bigint' || typeof value === 'number')) return String(value);
  // Bound as a number it would be stored as REAL, unless the affinity converts it back.
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  return asStored(value);
}

function encodeFloat(value: Value, affinity: Affinity): Stored | Misfit {
  return affinity === 'TEXT' && typeof value === 'number' ? String(value) : asStored(value);
}

/** For a column that converts it to INTEGER or REAL: only values that read back as the same number. */
function encodeDecimalAsNumber(value: Value): Stored | Misfit {
  if (typeof value !== 'string') return asStored(value);
  if (/^-?Infinity$/.test(value)) return Number(value);
  if (value === 'NaN') return new Misfit('SQLite stores NaN as NULL');
  if (/^-?\d{1,19}$/.test(value)) {
    const integer = BigInt(value);
    if (integer <= maxInteger && integer >= -maxInteger - 1n) return integer;
  }
  if (!/^-?\d+(\.\d+)?$/.test(value)) return value;
  return sameDigits(plainDigits(Number(value)), value)
    ? Number(value)
    : new Misfit('SQLite converts it to a REAL, which does not keep all of its digits');
}

function sameDigits(one: string, other: string): boolean {
  return trimZeros(one) === trimZeros(other);
}

function trimZeros(text: string): string {
  return withoutFractionZeros(text)
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^-0$/, '0');
}

function encodeBesideNumbers(value: Value): Stored | Misfit {
  if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) {
    return new Misfit('text that looks like a number would become a number in a column of this type');
  }
  return asStored(value);
}
