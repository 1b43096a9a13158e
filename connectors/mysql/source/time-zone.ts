import type { Session } from '../session.ts';

/**
 * The time zone of new sessions. SYSTEM is reported as an abbreviation, which identifies no zone (IST is three). If the system's clock
 * never changes, it is an offset; otherwise the abbreviation is passed on, and the user must name the zone (TimeZoneUnknown).
 */
export async function serverTimeZone(session: Session, signal: AbortSignal): Promise<string> {
  const [row = []] = await session.query(
    `SELECT @@global.time_zone, @@system_time_zone, ${days.map(offsetOn).join(', ')}`,
    signal,
  );
  const [zone, system, ...offsets] = row.map(String);
  if (zone !== 'SYSTEM') return zone ?? '';
  if (system === 'UTC' || system === 'GMT') return 'UTC';
  const [offset = '', ...others] = offsets;
  return others.every((each) => each === offset) ? offsetText(Number(offset)) : `SYSTEM (${system})`;
}

/** Clocks are changed twice a year, between these dates, or not at all. */
const days = ['2026-01-15', '2026-04-15', '2026-07-15', '2026-10-15'];

function offsetOn(day: string): string {
  const noon = `'${day} 12:00:00'`;
  return `TIMESTAMPDIFF(MINUTE, ${noon}, CONVERT_TZ(${noon}, '+00:00', 'SYSTEM'))`;
}

function offsetText(minutes: number): string {
  const sign = minutes < 0 ? '-' : '+';
  const size = Math.abs(minutes);
  return `${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
}
