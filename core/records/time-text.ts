/**
 * Times between ISO 8601 and canonical text (core/values.ts). Nothing is guessed: a text without a zone is never given one, and digits of a
 * second are neither added nor rounded.
 */
const date = '(\\d{4})-(\\d{2})-(\\d{2})';
const clock = '(\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,18}))?)?';
const zone = '(Z|[+-]\\d{2}(?::?\\d{2})?)?';
const datePattern = new RegExp(`^${date}$`);
const timePattern = new RegExp(`^${clock}${zone}$`);
const timestampPattern = new RegExp(`^${date}[T ]${clock}${zone}$`);

/** Canonical text, or why there is none. */
export type TimeText = { readonly text: string } | { readonly reason: string };

export interface TimeShape {
  readonly precision: number;
  readonly hasZone: boolean;
}

export function dateFromIso(text: string): TimeText {
  const match = datePattern.exec(text);
  if (!match || !isDay(match.slice(1, 4).map(Number))) return { reason: 'is not a date like 2026-11-24' };
  return { text };
}

export function timestampFromIso(text: string, shape: TimeShape): TimeText {
  const match = timestampPattern.exec(text);
  const isValid = match && isDay(match.slice(1, 4).map(Number)) && isClock(match.slice(4, 7));
  if (!isValid) return { reason: 'is not a timestamp like 2026-11-24T08:00:00Z' };
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '00', fraction, offset] = match;
  const wrongZone = zoneReason(shape, offset);
  if (wrongZone) return wrongZone;
  const wall = `${year}-${month}-${day} ${hour}:${minute}:${second}`;
  const shifted = offset === undefined || offset === 'Z' ? wall : inUtc(wall, offset);
  if (shifted === undefined) return { reason: 'is a time outside of the years 1 to 9999' };
  return withFraction(shifted, fraction, shape, offset === undefined ? '' : 'Z');
}

export function timeFromIso(text: string, shape: TimeShape): TimeText {
  const match = timePattern.exec(text);
  if (!match || !isClock(match.slice(1, 4))) return { reason: 'is not a time like 08:00:00' };
  const [, hour = '', minute = '', second = '00', fraction, offset] = match;
  const wrongZone = zoneReason(shape, offset);
  if (wrongZone) return wrongZone;
  return withFraction(`${hour}:${minute}:${second}`, fraction, shape, canonicalOffset(offset));
}

/** A canonical time or timestamp for a column with this many digits of a second. */
export function fitPrecision(text: string, shape: TimeShape): TimeText {
  const match = /^(.*?\d{2}:\d{2}:\d{2})(?:\.(\d+))?(.*)$/s.exec(text);
  if (!match) return { text };
  return withFraction(match[1] ?? '', match[2], shape, match[3] ?? '');
}

/** The zero dates of MySQL, `0000-00-00` and `2026-00-00`, are none. */
const hasDay = /^(?!0000)\d{4}-(?!00)\d{2}-(?!00)\d{2}/;

/** ISO 8601 text of a canonical timestamp, with the digits and the zone that it has; undefined for infinities and years outside of 1 to 9999. */
export function isoFromTimestamp(text: string): string | undefined {
  return hasDay.test(text) && /^[\d-]{10} [\d:.]+Z?$/.test(text) ? text.replace(' ', 'T') : undefined;
}

export function isoFromDate(text: string): string | undefined {
  return text.length === 10 && hasDay.test(text) ? text : undefined;
}

function zoneReason(
  { hasZone }: TimeShape,
  offset: string | undefined,
): { readonly reason: string } | undefined {
  if (hasZone === (offset !== undefined)) return undefined;
  return { reason: hasZone ? 'has no time zone' : 'has a time zone' };
}

function withFraction(
  seconds: string,
  fraction: string | undefined,
  { precision }: TimeShape,
  end: string,
): TimeText {
  const kept = fraction?.slice(0, precision) ?? '';
  if (fraction !== undefined && !/^0*$/.test(fraction.slice(precision)))
    return { reason: `has more than ${precision} digits of a second` };
  return { text: `${seconds}${kept === '' ? '' : `.${kept}`}${end}` };
}

/** `+02`, `+05:30`; `Z` is `+00`. */
function canonicalOffset(offset: string | undefined): string {
  if (offset === undefined) return '';
  if (offset === 'Z') return '+00';
  const [, hours = '', minutes = '00'] = /^([+-]\d{2}):?(\d{2})?$/.exec(offset) ?? [];
  return minutes === '00' ? hours : `${hours}:${minutes}`;
}

function isDay([year = 0, month = 0, day = 0]: readonly number[]): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(2_000 + (year % 400), month, 0)).getUTCDate();
}

function isClock([hour = '0', minute = '0', second = '0']: readonly (string | undefined)[]): boolean {
  return Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
}

/** Undefined if the instant is outside of the years 1 to 9999, or the offset is not a real one. */
function inUtc(wall: string, offset: string): string | undefined {
  const [, sign, hours = '', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset) ?? [];
  const shift = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  if (Number(minutes) >= 60 || Math.abs(shift) > 18 * 60) return undefined;
  const ms = Date.parse(`${wall.replace(' ', 'T')}Z`) - shift * 60_000;
  const iso = new Date(ms).toISOString();
  return /^(?!0000)\d{4}-/.test(iso) ? iso.slice(0, 19).replace('T', ' ') : undefined;
}
