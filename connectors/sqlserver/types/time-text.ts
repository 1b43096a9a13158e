/** Units of 100 ns since 1970 are too many for a number, so instants are microseconds. */
const daysTo1970 = 719_162;
const cumulative = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Days since 0001-01-01 of `2026-11-24`, as the protocol sends dates; undefined if there is no such day. */
export function daysOf(text: string): number | undefined {
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const [year, month, day] = [Number(y), Number(m), Number(d)];
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const inYear = (cumulative[month - 1] ?? 0) + (month > 2 && isLeap(year) ? 1 : 0);
  return before * 365 + leaps + inYear + day - 1;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** `HH:MM:SS.fffffff` in units of the last of `digits` digits; undefined if it is not a time of a day. */
export function unitsOf(text: string, digits: number): number | undefined {
  const [hour, minute, second] = [pairAt(text, 0), pairAt(text, 3), pairAt(text, 6)];
  if (!(hour <= 23 && minute <= 59 && second <= 59) || text[2] !== ':' || text[5] !== ':') return undefined;
  const units = (hour * 3_600 + minute * 60 + second) * (powers[digits] ?? 0);
  if (text.length === 8) return units;
  if (text[8] !== '.' || text.length === 9 || text.length > 16) return undefined;
  let fraction = 0;
  for (let at = 9; at < text.length; at++) {
    const digit = digitAt(text, at);
    const place = powers[digits - (at - 8)] ?? 0;
    // Digits that the type does not have are zeros.
    if (Number.isNaN(digit) || (place === 0 && digit > 0)) return undefined;
    fraction += digit * place;
  }
  return units + fraction;
}

const powers = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

function pairAt(text: string, at: number): number {
  return digitAt(text, at) * 10 + digitAt(text, at + 1);
}

/** NaN if it is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
}

/** Microseconds since 1970 of `2026-11-24 08:00:05.1234567`, read as UTC; the seventh digit is dropped. */
export function microsOf(text: string): number {
  const [date = '', time = ''] = text.split(' ');
  const [days = daysTo1970, units = 0] = [daysOf(date), unitsOf(time.slice(0, 15), 6)];
  return (days - daysTo1970) * 86_400_000_000 + units;
}
