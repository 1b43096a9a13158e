/**
 * Milliseconds since 1970 of a canonical timestamp or date; one without zone is local time in `timeZone` (an IANA name or `+09:00`).
 * Undefined for infinities and similar values. A local time that occurs twice at a clock change maps to one of the two instants.
 */
export function instantMs(text: string, timeZone: string): number | undefined {
  const hasZone = text.endsWith('Z');
  const wall = text.replace(' ', 'T').replace(/Z$/, '');
  const ms = Date.parse(`${wall.length <= 10 ? `${wall}T00:00:00` : wall}Z`);
  if (Number.isNaN(ms)) return undefined;
  if (hasZone) return ms;
  // The shift at the local time read as UTC is at most one clock change away from the correct one.
  const guess = ms - shiftMs(ms, timeZone);
  return ms - shiftMs(guess, timeZone);
}

/** The zone's offset from UTC at this instant. */
function shiftMs(instant: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return wall - Math.floor(instant / 1_000) * 1_000;
}

/** Creating a formatter is expensive. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, made);
  return made;
}
