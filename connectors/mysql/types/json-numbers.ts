/**
 * Whether MySQL's JSON keeps every number of a text. It has signed and unsigned 64-bit integers, and doubles, which it writes with the
 * fewest digits that yield the same double.
 */
export function keepsNumbers(json: string): boolean {
  const withoutStrings = json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return [...withoutStrings.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi)].every(([number]) => isKept(number));
}

function isKept(number: string): boolean {
  if (/^-?\d{1,18}$/.test(number)) return true;
  if (/^-?\d+$/.test(number)) {
    const integer = BigInt(number);
    return integer >= -(2n ** 63n) && integer < 2n ** 64n;
  }
  const double = Number(number);
  return Number.isFinite(double) && normalized(number) === normalized(String(double));
}

/** Digits without leading and trailing zeros, and the power of ten of the last digit: equal numbers give the same text. */
function normalized(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
