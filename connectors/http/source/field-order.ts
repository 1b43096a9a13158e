import { decimalDigits } from '../../../core/records/decimal-text.ts';
import type { ColumnType } from '../../../core/values.ts';

export type Compare = (one: string, other: string) => number;

/** The order of canonical texts of an idField or timestampField. */
export function orderOf(type: ColumnType): Compare {
  switch (type.kind) {
    case 'int':
      return (one, other) => compared(BigInt(one), BigInt(other));
    case 'decimal':
      return compareDecimals;
    case 'float':
      return (one, other) => compared(Number(one), Number(other));
    case 'date':
    case 'timestamp':
      // A time without digits of a second goes before one with them, which a Z behind it would change.
      return (one, other) => compared(one.replace(/Z$/, ''), other.replace(/Z$/, ''));
    default:
      return compared;
  }
}

function compared<T extends string | number | bigint>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function compareDecimals(one: string, other: string): number {
  const [left, right] = [decimalDigits(one), decimalDigits(other)];
  if (!left || !right) return compared(one, other);
  const scale = Math.max(left.scale, right.scale, 0);
  const whole = ({ digits, isNegative, scale: own }: typeof left) => {
    const value = BigInt(`${digits}${'0'.repeat(scale - own)}` || '0');
    return isNegative ? -value : value;
  };
  return compared(whole(left), whole(right));
}
