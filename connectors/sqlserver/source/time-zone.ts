import type { Session } from '../session.ts';

/**
 * The zone in which the server writes times: sessions have none of their own. It is named as in Windows, and only from SQL Server 2022 on;
 * an offset alone may change in summer. So every zone but UTC must be named by the user (TimeZoneUnknown).
 */
export async function serverTimeZone(session: Session, signal: AbortSignal): Promise<string> {
  const [[offset] = []] = await session.query(
    'SELECT CONVERT(varchar(6), DATENAME(tzoffset, SYSDATETIMEOFFSET()))',
    signal,
  );
  const name = await zoneName(session, signal);
  if (name === 'UTC' || (name === undefined && /^[+-]?0+(:00)?$/.test(String(offset)))) return 'UTC';
  return `SYSTEM (${name ?? offset})`;
}

/** Undefined if the server has no such function. */
async function zoneName(session: Session, signal: AbortSignal): Promise<string | undefined> {
  return await session.guard(async () => {
    try {
      const [result] = await session.run('SELECT CURRENT_TIMEZONE_ID()');
      return String(result?.rows[0]?.[0]);
    } catch (thrown) {
      if (session.isLost) throw thrown;
      return undefined;
    }
  }, signal);
}
