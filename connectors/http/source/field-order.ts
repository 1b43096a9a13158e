import { permanent } from '../../../core/errors.ts';
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
    case 'text':
      return compareTexts;
    default:
      return compared;
  }
}

/** As texts 10 is below 9, so ids that are numbers would be left out when they get another digit. */
function compareTexts(one: string, other: string): number {
  if (one.length !== other.length && isNumber(one) && isNumber(other)) throw numbersAsText();
  return compared(one, other);
}

const isNumber = (text: string) => /^(0|[1-9]\d*)$/.test(text);

function numbersAsText(): Error {
  return permanent('FieldNotOrdered', 'idField has numbers as text, which are not in their order as texts', {
    path: 'spec.source.idField',
    fix: 'give the column the type int64 or decimal in source.columns; it keeps all digits',
  });
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
