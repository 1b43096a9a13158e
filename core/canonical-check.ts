import type { ColumnType, Value } from './values.ts';

/** Why a value does not conform to its column's type, without the value; undefined if it does. */
export type CheckCanonical = (value: Exclude<Value, null>) => string | undefined;

/**
 * SQLite enforces no declared type, and servers are lenient when they parse text: PostgreSQL accepts `yesterday` as a date and `yes` as
 * true, and both round numbers with too many digits. So values that are not canonical (core/values.ts) are handled by onError (Invariant
 * 6). Undefined if the server itself refuses invalid values.
 */
export function canonicalCheck(type: ColumnType): CheckCanonical | undefined {
  switch (type.kind) {
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? undefined : 'neither true nor false');
    case 'int':
      return (value) =>
        typeof value === 'bigint' || Number.isInteger(value) ? undefined : 'not a valid integer';
    case 'float':
      return (value) => (typeof value === 'number' ? undefined : 'not a valid 64-bit number');
    case 'uuid':
      return textCheck(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'not a valid UUID');
    case 'bit':
      return textCheck(/^[01]*$/, 'it has characters other than 0 and 1');
    case 'date':
      return textCheck(/^((\d{4}|[1-9]\d{4,})-\d{2}-\d{2}( BC)?|-?infinity)$/, 'not a valid date');
    case 'timestamp': {
      const fraction = type.precision === 0 ? '' : `(\\.\\d{1,${type.precision}})?`;
      const stamp = `(\\d{4}|[1-9]\\d{4,})-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}${fraction}${type.hasZone ? 'Z' : ''}( BC)?`;
      return textCheck(
        new RegExp(`^(${stamp}|-?infinity)$`),
        `not a valid timestamp with ${type.precision} digits of a second`,
      );
    }
    case 'time': {
      const fraction = type.precision === 0 ? '' : `(\\.\\d{1,${type.precision}})?`;
      const zone = type.hasZone ? '[+-]\\d{2}(:\\d{2}){0,2}' : '';
      return textCheck(
        new RegExp(`^-?\\d{2,}:\\d{2}:\\d{2}${fraction}${zone}$`),
        `not a valid time with ${type.precision} digits of a second`,
      );
    }
    case 'bytes':
      return (value) => (value instanceof Uint8Array ? undefined : 'not bytes');
    case 'decimal':
      return decimalCheck(type.scale ?? (type.precision === undefined ? undefined : 0));
    default:
      return undefined;
  }
}

/** SQLite also enforces no declared length, and a server's own type may be longer: a text of 40 characters takes up to 80 units. */
export function textMisfit(type: ColumnType, value: Exclude<Value, null>): string | undefined {
  if (value instanceof Uint8Array) return 'a blob is not text';
  if (type.kind !== 'text' || type.maxLength === undefined || typeof value !== 'string') return undefined;
  if (value.length <= type.maxLength) return undefined;
  return [...value].length <= type.maxLength ? undefined : 'it is longer than its column';
}

function textCheck(pattern: RegExp, why: string): CheckCanonical {
  return (value) => (typeof value === 'string' && pattern.test(value) ? undefined : why);
}

const decimal = /^([+-]?(\d+(\.\d*)?|\.\d+)|NaN|-?Infinity)$/;

function decimalCheck(scale: number | undefined): CheckCanonical {
  return (value) => {
    if (typeof value !== 'string' || !decimal.test(value)) return 'not a valid decimal of its column';
    if (scale === undefined) return undefined;
    const point = value.indexOf('.');
    if (point < 0 || value.length - point - 1 <= scale) return undefined;
    return /^0*$/.test(value.slice(point + 1 + Math.max(0, scale)))
      ? undefined
      : `it has more than ${scale} digits after the point`;
  };
}
