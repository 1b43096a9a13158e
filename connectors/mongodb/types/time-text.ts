/** Milliseconds since 1970 as a canonical timestamp; undefined outside of the years -4712 to 9999. */
export function timestampText(ms: bigint): string | undefined {
  if (ms < -210_863_520_000_000n || ms > 253_402_300_799_999n) return undefined;
  const date = new Date(Number(ms));
  const year = date.getUTCFullYear();
  const rest = date
    .toISOString()
    .replace(/^[+-]?\d+-/, '')
    .slice(0, -1)
    .replace('T', ' ');
  const [day = '', clock = ''] = rest.split(' ');
  const seconds = clock.replace(/\.000$/, '');
  return year >= 1
    ? `${String(year).padStart(4, '0')}-${day} ${seconds}Z`
    : `${String(1 - year).padStart(4, '0')}-${day} ${seconds}Z BC`;
}

const pattern = /^(\d{4,})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?)?Z?( BC)?$/;

/** Milliseconds of a canonical date or timestamp in UTC; undefined if there are more digits, or there is no such day or time. */
export function millisecondsOf(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = '', era] =
    match;
  if (!/^\d{0,3}0*$/.test(fraction)) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(era === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0')));
  const ms = date.getTime();
  // Date makes another day of a month or day that does not exist, such as those of MySQL's zero dates.
  const isSame =
    Number(year) > 0 &&
    date.getUTCMonth() + 1 === Number(month) &&
    date.getUTCDate() === Number(day) &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute);
  return isSame ? BigInt(ms) : undefined;
}
