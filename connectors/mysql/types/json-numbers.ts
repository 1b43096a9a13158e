import { withoutEnd } from '../../../core/text-end.ts';

const quote = '"';
/** As long as the largest 64-bit integer, with a sign. */
const longestInteger = 20;
const number = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/iy;

/**
 * Whether MySQL's JSON keeps every number of a text. It has signed and unsigned 64-bit integers, and doubles, which it writes with the
 * fewest digits that yield the same double.
 */
export function keepsNumbers(json: string): boolean {
  for (let at = 0; at < json.length; ) {
    const char = json[at] ?? '';
    number.lastIndex = at;
    const [found] = char === quote ? [] : (number.exec(json) ?? []);
    if (found !== undefined && !isKept(found)) return false;
    at = char === quote ? afterString(json, at) : at + (found?.length ?? 1);
  }
  return true;
}

function afterString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === quote) return at + 1;
  }
  return json.length;
}

function isKept(text: string): boolean {
  if (/^-?\d{1,18}$/.test(text)) return true;
  if (/^-?\d+$/.test(text)) {
    if (text.length > longestInteger) return false;
    const integer = BigInt(text);
    return integer >= -(2n ** 63n) && integer < 2n ** 64n;
  }
  const double = Number(text);
  return Number.isFinite(double) && normalized(text) === normalized(String(double));
}

/** Digits without leading and trailing zeros, and the power of ten of the last digit: equal numbers give the same text. */
function normalized(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = withoutEnd(digits, '0');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
