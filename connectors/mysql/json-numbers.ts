/** Whether MySQL's JSON keeps every number of a text: it has integers of 64 bits, signed and unsigned, and doubles. */
export function keepsNumbers(json: string): boolean {
  const withoutStrings = json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return [...withoutStrings.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi)].every(([number]) => isKept(number));
}

/** So many digits come back from a double as they were. */
const doubleDigits = 15;

function isKept(number: string): boolean {
  if (/^-?\d{1,18}$/.test(number)) return true;
  if (/^-?\d+$/.test(number)) {
    const integer = BigInt(number);
    return integer >= -(2n ** 63n) && integer < 2n ** 64n;
  }
  const digits = number.replace(/e.*$/i, '').replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  return digits.length <= doubleDigits && Number.isFinite(Number(number));
}
