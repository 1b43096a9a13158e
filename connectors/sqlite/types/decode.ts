import type { ColumnType, Value } from '../../../core/values.ts';
import { canonicalTimestamp } from './time-text.ts';

/** Values that better-sqlite3 returns and accepts. */
export type Stored = null | bigint | number | string | Buffer;

/** Undefined if stored and canonical values are the same. A value of another kind than its column's is passed on as stored. */
export type Decode = ((stored: Stored) => Value) | undefined;

export function decoderOf(type: ColumnType): Decode {
  switch (type.kind) {
    case 'boolean':
      return (stored) => (stored === 0n ? false : stored === 1n ? true : stored);
    case 'float':
      return (stored) =>
        typeof stored === 'bigint' && BigInt(Number(stored)) === stored ? Number(stored) : stored;
    case 'decimal': {
      const { scale } = type;
      return (stored) => decodeDecimal(stored, scale);
    }
    case 'timestamp': {
      const { hasZone } = type;
      return (stored) => (typeof stored === 'string' ? canonicalTimestamp(stored, hasZone) : stored);
    }
    case 'uuid':
      return (stored) => (typeof stored === 'string' ? canonicalUuid(stored) : stored);
    case 'json':
      // A JSON column without affinity TEXT has converted `1` to a number.
      return (stored) => (typeof stored === 'bigint' || typeof stored === 'number' ? String(stored) : stored);
    default:
      return undefined;
  }
}

/** A number with more digits than its column declares stays a number. It is not a valid decimal, so no destination rounds it silently. */
function decodeDecimal(stored: Stored, scale: number | undefined): Value {
  if (typeof stored === 'bigint') return String(stored);
  if (typeof stored !== 'number') return stored;
  const text = plainDigits(stored);
  const fraction = text.split('.')[1]?.length ?? 0;
  return scale !== undefined && fraction > scale ? stored : text;
}

/** 1e+21 as digits. */
export function plainDigits(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, first = '', rest = '', power] = match;
  const digits = first + rest;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

/** `{0A…}`, without dashes, in capital letters: returns canonical text, or the text unchanged if it is not a UUID. */
export function canonicalUuid(text: string): string {
  const digits = text.replaceAll(/^\{|\}$|-/g, '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits)
    ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : text;
}
