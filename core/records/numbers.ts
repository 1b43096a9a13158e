import type { ColumnType, Value } from '../values.ts';
import { type DecimalDigits, decimalDigits, isSameDecimal, plainDecimal, reduced } from './decimal-text.ts';
import { Misfit } from './misfit.ts';
import type { NodeValue } from './node.ts';

/** JSON's form of a number, for texts that hold one: `007` and `+1` would come back otherwise. */
const numberText = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const notANumber = new Misfit('is not a number');
const mostIntDigits = 40;

export function intOf({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>) {
  const [low, high] = isUnsigned
    ? [0n, 2n ** BigInt(bits) - 1n]
    : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
  return (value: NodeValue): Value | Misfit => {
    const whole = wholeOf(value);
    if (whole instanceof Misfit) return whole;
    if (whole < low || whole > high) return new Misfit(`is outside of ${low} to ${high}`);
    return bits === 64 ? whole : Number(whole);
  };
}

function wholeOf(value: NodeValue): bigint | Misfit {
  if (value.kind === 'int') return BigInt(value.value);
  if (value.kind === 'float' && Number.isInteger(value.value)) return BigInt(value.value);
  const digits = digitsOf(value);
  if (digits === undefined) return notANumber;
  const { digits: kept, scale, ...sign } = reduced(digits);
  if (scale > 0) return new Misfit('has digits after the decimal point');
  if (kept.length - scale > mostIntDigits) return new Misfit(`has more than ${mostIntDigits} digits`);
  return BigInt(plainDecimal({ ...sign, digits: kept, scale }));
}

export function decimalOf({ precision, scale = 0, isUnsigned }: Extract<ColumnType, { kind: 'decimal' }>) {
  return (value: NodeValue): Value | Misfit => {
    const special = specialNumber(value);
    if (special !== undefined) return special;
    const digits = digitsOf(value);
    if (digits === undefined) return notANumber;
    const { digits: kept, scale: places, isNegative } = reduced(digits);
    if (isUnsigned && isNegative) return new Misfit('is negative');
    if (precision === undefined) return plainDecimal(digits);
    if (places > scale) return new Misfit(`has more than ${scale} digits after the decimal point`);
    if (kept.length - places > precision - scale)
      return new Misfit(`has more than ${precision - scale} digits before the decimal point`);
    return plainDecimal(digits.scale > scale ? reduced(digits) : digits);
  };
}

export function floatOf({ bits }: Extract<ColumnType, { kind: 'float' }>) {
  return (value: NodeValue): Value | Misfit => {
    if (value.kind === 'float') {
      const isKept = bits === 64 || Number.isNaN(value.value) || Math.fround(value.value) === value.value;
      return isKept ? value.value : tooExact(bits);
    }
    const special = specialNumber(value);
    if (special !== undefined) return Number(special);
    const digits = digitsOf(value);
    if (digits === undefined) return notANumber;
    const nearest = digits.digits === '' && digits.isNegative ? -0 : Number(plainDecimal(digits));
    if (!Number.isFinite(bits === 64 ? nearest : Math.fround(nearest)))
      return new Misfit(`is outside of the range of a ${bits}-bit float`);
    return isKept(nearest, digits, bits) ? nearest : tooExact(bits);
  };
}

/** Whether the float, written with as few digits as identify it, is this number. */
function isKept(float: number, digits: DecimalDigits, bits: 32 | 64): boolean {
  const isSame = (text: string) => {
    const found = decimalDigits(text);
    return found !== undefined && isSameDecimal(found, digits);
  };
  const single = Math.fround(float);
  if (bits === 64 || single === float) return isSame(String(float));
  return isSame(single.toPrecision(Math.min(9, Math.max(1, reduced(digits).digits.length))));
}

function tooExact(bits: number): Misfit {
  return new Misfit(`has more digits than a ${bits}-bit float keeps`);
}

function specialNumber(value: NodeValue): string | undefined {
  const text = value.kind === 'decimal' ? value.text : value.kind === 'float' ? String(value.value) : '';
  return ['NaN', 'Infinity', '-Infinity'].includes(text) ? text : undefined;
}

/** Undefined: not a number. A float stands for the shortest digits that identify it. */
function digitsOf(value: NodeValue): DecimalDigits | undefined {
  switch (value.kind) {
    case 'int':
    case 'float':
      return decimalDigits(String(value.value));
    case 'decimal':
      return decimalDigits(value.text);
    case 'text':
      return numberText.test(value.text) ? decimalDigits(value.text) : undefined;
    default:
      return undefined;
  }
}
