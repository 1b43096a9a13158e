import { civilDate } from '../../../core/civil-date.ts';

/** Canonical text of microseconds since 1970 UTC; `suffix` is Z for an instant, empty for a column without zone. Any year. */
export function instantText(micros: bigint, suffix: 'Z' | ''): string {
  const seconds = floorDivide(micros, 1_000_000n);
  const fraction = micros - seconds * 1_000_000n;
  const days = floorDivide(seconds, 86_400n);
  const ofDay = Number(seconds - days * 86_400n);
  const { year, month, day } = civilDate(Number(days));
  const shown = year > 0 ? year : 1 - year;
  const date = `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`;
  const time = `${two(Math.floor(ofDay / 3_600))}:${two(Math.floor(ofDay / 60) % 60)}:${two(ofDay % 60)}`;
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${date} ${time}${digits}${suffix}${year > 0 ? '' : ' BC'}`;
}

/** Microseconds since 1970 truncated to `precision` digits of a second, so that the result is never later. */
export function truncateMicros(micros: bigint, precision: number): bigint {
  const unit = 10n ** BigInt(6 - Math.min(6, precision));
  return floorDivide(micros, unit) * unit;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
