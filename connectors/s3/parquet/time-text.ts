import { civilDate } from '../../../core/civil-date.ts';

/** Canonical text of times that are stored as numbers since 1970. Most are not far from the last one, so the text of its day is kept. */
let lastDay = Number.NaN;
let lastText = '';

/** Days since 1970. */
export function dateText(day: number): string {
  if (day === lastDay) return lastText;
  const { year, month, day: ofMonth } = civilDate(day);
  const shown = year > 0 ? year : 1 - year;
  lastText = `${String(shown).padStart(4, '0')}-${two(month)}-${two(ofMonth)}${year > 0 ? '' : ' BC'}`;
  lastDay = day;
  return lastText;
}

const exact = BigInt(Number.MAX_SAFE_INTEGER);

/** digits: of a second in one unit. */
export function timestampText(units: bigint, digits: 3 | 6 | 9, suffix: '' | 'Z'): string {
  const perSecond = 10 ** digits;
  let seconds: number;
  let fraction: number;
  if (units <= exact && units >= -exact) {
    const value = Number(units);
    seconds = Math.floor(value / perSecond);
    fraction = value - seconds * perSecond;
  } else {
    const rest = ((units % BigInt(perSecond)) + BigInt(perSecond)) % BigInt(perSecond);
    seconds = Number((units - rest) / BigInt(perSecond));
    fraction = Number(rest);
  }
  const day = Math.floor(seconds / 86_400);
  const date = dateText(day);
  const time = `${clock(seconds - day * 86_400)}${fractionText(fraction, digits)}${suffix}`;
  return date.endsWith('C') ? `${date.slice(0, -3)} ${time} BC` : `${date} ${time}`;
}

/** Units since midnight. */
export function timeText(units: number, digits: 3 | 6 | 9, suffix: string): string {
  const perSecond = 10 ** digits;
  const seconds = Math.floor(units / perSecond);
  return `${clock(seconds)}${fractionText(units - seconds * perSecond, digits)}${suffix}`;
}

const twos = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));

function two(value: number): string {
  return twos[value] ?? String(value);
}

function clock(seconds: number): string {
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** `.5`, or nothing for 0. */
export function fractionText(fraction: number, digits: number): string {
  if (fraction === 0) return '';
  let value = fraction;
  let width = digits;
  while (value % 10 === 0) {
    value /= 10;
    width -= 1;
  }
  return `.${String(value).padStart(width, '0')}`;
}
