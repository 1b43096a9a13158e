import { type Finding, permanent } from '../../../core/errors.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/**
 * The time zone of new sessions of this database and user, whatever this session uses: an IANA name, or `+09:00`. Zone names known only
 * to PostgreSQL are reported as an offset from UTC if it is the same all year.
 */
export async function serverTimeZone(session: Session, signal: AbortSignal): Promise<string> {
  const [[name = ''] = []] = await session.query(
    "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'",
    signal,
  );
  const zone = name ?? '';
  if (isKnown(zone)) return zone;
  const offset = (month: number) =>
    `extract(epoch FROM timestamp '2025-${month}-01' - timestamptz '2025-${month}-01 00:00Z' AT TIME ZONE ${literalText(zone)})::int`;
  const [[winter, summer] = []] = await session.query(`SELECT ${offset(1)}, ${offset(7)}`, signal);
  if (winter === summer) return offsetText(-Number(winter));
  throw permanent(
    'TimeZoneUnknown',
    `the server's time zone ${zone} has no name that other systems know, and observes daylight saving time`,
    { path: 'spec.source.timeZone', fix: 'set source.timeZone to a name such as Europe/Rome' },
  );
}

function isKnown(zone: string): boolean {
  // Node reads such names with the opposite sign.
  if (!/^[A-Za-z]/.test(zone) || zone === 'localtime') return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function offsetText(seconds: number): string {
  const minutes = Math.abs(Math.round(seconds / 60));
  const two = (value: number) => String(value).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** Roles and databases whose sessions get a different zone than ours: what they write into a column without zone is read incorrectly. */
export async function otherZones(session: Session, signal: AbortSignal): Promise<Finding[]> {
  const rows = await session.query(
    `SELECT coalesce('role ' || r.rolname, 'database ' || d.datname), z.zone
     FROM pg_catalog.pg_db_role_setting s
       CROSS JOIN LATERAL (SELECT pg_catalog.substr(c, 10) AS zone FROM unnest(s.setconfig) c WHERE c ILIKE 'timezone=%') z
       LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
     WHERE (s.setdatabase = 0 OR d.datname = current_database())
       AND z.zone <> (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone') ORDER BY 1`,
    signal,
  );
  if (rows.length === 0) return [];
  const who = rows.map(([name, zone]) => `${name} (${zone})`).join(', ');
  return [
    {
      severity: 'warning',
      code: 'TimeZoneAssumed',
      path: 'spec.source.timeZone',
      message: `sessions of ${who} use another time zone: what they write to a column without a time zone is read in the wrong zone, and late rows may be lost`,
      fix: 'set source.timeZone to the zone of the sessions that write the column, and the same zone for all of them',
    },
  ];
}
