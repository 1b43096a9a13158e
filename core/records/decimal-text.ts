import { withoutEnd } from '../text-end.ts';

/** A decimal number as sign, digits and scale: the value is ±digits / 10^scale. */
export interface DecimalDigits {
  readonly isNegative: boolean;
  /** Without zeros in front; empty for zero. */
  readonly digits: string;
  readonly scale: number;
}

/** A larger exponent would become so many zeros: the text of a number must not decide how much memory it takes. */
const mostExponent = 5_000;

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;

export function isExponentInRange(text: string): boolean {
  const [, exponent] = /[eE]([+-]?\d+)$/.exec(text) ?? [];
  return exponent === undefined || Math.abs(Number(exponent)) <= mostExponent;
}

/** Undefined if the text is not a number, or has a very large exponent. */
export function decimalDigits(text: string): DecimalDigits | undefined {
  const match = decimal.exec(text);
  if (!match || !isExponentInRange(text)) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  return { isNegative: sign === '-', digits, scale: fraction.length - Number(exponent) };
}

/** Plain digits without exponent, all of them: `1.50`, `-0.002`, `2000`. */
export function plainDecimal({ isNegative, digits, scale }: DecimalDigits): string {
  const whole = scale < 0 && digits !== '' ? digits + '0'.repeat(-scale) : digits;
  const places = Math.max(0, scale);
  const padded = whole.padStart(places + 1, '0');
  const point = padded.length - places;
  const text = places === 0 ? padded : `${padded.slice(0, point)}.${padded.slice(point)}`;
  return isNegative && digits !== '' ? `-${text}` : text;
}

/** Without zeros at the end: equal numbers have equal results. */
export function reduced({ isNegative, digits, scale }: DecimalDigits): DecimalDigits {
  const kept = withoutEnd(digits, '0');
  if (kept === '') return { isNegative: false, digits: '', scale: 0 };
  return { isNegative, digits: kept, scale: scale - (digits.length - kept.length) };
}

export function isSameDecimal(one: DecimalDigits, other: DecimalDigits): boolean {
  const [a, b] = [reduced(one), reduced(other)];
  return a.digits === b.digits && a.scale === b.scale && a.isNegative === b.isNegative;
}
