/** Microseconds since 1970 of `2026-11-24 08:00:05.123456`, read as UTC. */
export function microsOf(text: string): number {
  const [second = '', fraction = ''] = text.split('.');
  return Date.parse(`${second.replace(' ', 'T')}Z`) * 1_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** The local time in an IANA zone, truncated to `digits` of a second, so that it is never later than the instant. */
export function wallText(micros: number, timeZone: string, digits: number): string {
  const ms = Math.floor(micros / 1_000);
  const second = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
  const fraction = String(micros - Math.floor(micros / 1_000_000) * 1_000_000).padStart(6, '0');
  return digits === 0 ? second : `${second}.${fraction.slice(0, digits)}`;
}

export function isoOf(micros: number): string {
  return new Date(Math.floor(micros / 1_000)).toISOString();
}
