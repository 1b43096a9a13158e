/**
 * ms since 1970 of a canonical timestamp or date; one without zone is read as a clock on the wall of `timeZone` (an IANA name or `+09:00`).
 * Undefined for infinities and the like. In the hour that a zone has twice it is one of both.
 */
export function instantMs(text: string, timeZone: string): number | undefined {
  const hasZone = text.endsWith('Z');
  const wall = text.replace(' ', 'T').replace(/Z$/, '');
  const ms = Date.parse(`${wall.length <= 10 ? `${wall}T00:00:00` : wall}Z`);
  if (Number.isNaN(ms)) return undefined;
  if (hasZone) return ms;
  // The shift at the wall's time read as UTC is at most one change of clocks away from the right one.
  const guess = ms - shiftMs(ms, timeZone);
  return ms - shiftMs(guess, timeZone);
}

/** How far the zone's clocks are ahead of UTC. */
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
