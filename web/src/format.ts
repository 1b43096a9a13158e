const locale = navigator.languages;
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(locale, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const day = new Intl.DateTimeFormat(locale, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always', style: 'narrow' });

export function number(value: number): string {
  return whole.format(value);
}

export function compact(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

export function rate(value: number | undefined): string {
  if (value === undefined) return '';
  return value < 10 ? fine.format(value) : compact(value);
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${fine.format(value / 1_024 ** power)} ${units[power]}`;
}

/** `2s`, `5m`, `3h`, `12d`: as kubectl shows ages. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function exact(time: string | number): string {
  return moment.format(new Date(time));
}

/** For the axis of a chart: the day if it spans several, seconds if its steps are below a minute. */
export function axisTime(seconds: number, spanSeconds: number, stepSeconds: number): string {
  const format = spanSeconds > 86_400 ? day : stepSeconds < 60 ? clockSeconds : clock;
  return format.format(new Date(seconds * 1_000));
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

const skewSeconds = 5;

/** Clocks of servers differ by some seconds: what has just happened is not in the future. */
export function ago(time: string | number, nowMs: number): string {
  const exactly = Math.round((new Date(time).getTime() - nowMs) / 1_000);
  const seconds = exactly > 0 && exactly < skewSeconds ? 0 : exactly;
  const [unit, size] = steps.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}
