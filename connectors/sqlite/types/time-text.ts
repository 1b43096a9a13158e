/**
 * SQLite has no type for time: a timestamp is text in its writer's format, with `T` or a space, with or without a fraction, with or
 * without a zone. Values that are read become canonical; values compared in SQL must have the stored format, since text compares as text.
 */
const stamp =
  /^([+-]?\d{4,6}-\d{2}-\d{2})(?:([T ])(\d{2}:\d{2})(:\d{2})?(\.\d+)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** Canonical text, or the text unchanged if it is not a timestamp. An offset such as +02:00 is subtracted: the text becomes UTC. */
export function canonicalTimestamp(text: string, hasZone: boolean): string {
  const match = stamp.exec(text);
  if (!match) return text;
  const [, date = '', , minutes = '00:00', seconds = ':00', fraction = '', zone] = match;
  const end = hasZone ? 'Z' : '';
  if (zone === undefined || zone === 'Z' || /^[+-]00(:?00)?$/.test(zone))
    return `${date} ${minutes}${seconds}${fraction}${end}`;
  const utc = shift(date, `${minutes}${seconds}`, zone);
  return utc === undefined ? text : `${utc}${fraction}${end}`;
}

/** The format of a stored time; times in the same format sort correctly as text. */
export interface TimeShape {
  /** `T` or a blank; undefined for a date alone. */
  readonly separator: string | undefined;
  /** `UTC`, `+02:00`; undefined if the text has none. */
  readonly zone: string | undefined;
}

/** Undefined if the text is not a time. */
export function timeShape(text: string): TimeShape | undefined {
  const match = stamp.exec(text);
  if (!match) return undefined;
  const [, , separator, , , , zone] = match;
  if (zone === undefined) return { separator, zone };
  const minutes = zone.length > 3 ? zone.slice(-2) : '00';
  const isUtc = zone === 'Z' || /^[+-]00(:?00)?$/.test(zone);
  return { separator, zone: isUtc ? 'UTC' : `${zone.slice(0, 3)}:${minutes}` };
}

/** `2026-11-24 08:00:05` as written, whatever its zone. */
export function wallSecondOf(text: string): string {
  const [, date = '', , minutes = '00:00', seconds = ':00'] = stamp.exec(text) ?? [];
  return `${date} ${minutes}${seconds}`;
}

function shift(date: string, time: string, zone: string): string | undefined {
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2)) * (zone.length > 3 ? 1 : 0);
  const at =
    Date.parse(`${date}T${time}Z`) - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
  if (Number.isNaN(at)) return undefined;
  return secondText(at);
}

/** `2026-11-24 08:00:05`, UTC. */
export function secondText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** The same, as the local time of an IANA zone. */
export function wallSecondText(ms: number, timeZone: string): string {
  if (timeZone === 'UTC') return secondText(ms);
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}:${of('second')}`;
}

/** A canonical timestamp from elsewhere (the destination's largest, or entered by a user) in the format of a stored one. */
export function shapeLike(text: string, sample: string): string {
  const from = stamp.exec(text);
  const to = stamp.exec(sample);
  if (!from || !to) return text;
  const [, date = '', , minutes = '00:00', seconds = ':00', fraction = ''] = from;
  if (to[2] === undefined)
    return fraction === '' && `${minutes}${seconds}` === '00:00:00'
      ? date
      : `${date} ${minutes}${seconds}${fraction}`;
  const digits = fraction.slice(1).padEnd((to[5]?.length ?? 1) - 1, '0');
  return `${date}${to[2]}${minutes}${seconds}${digits === '' ? '' : `.${digits}`}${to[6] ?? ''}`;
}
