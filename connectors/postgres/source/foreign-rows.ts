import type { Finding } from '../../../core/errors.ts';
import { readRows } from '../connection/read-only.ts';
import type { Names } from '../connection/search-path.ts';
import type { Session } from '../session.ts';

/** What is read: a table or view by its oid, or a query, whose plan alone shows what it reads. */
export interface ReadObject {
  readonly oid: string | undefined;
  readonly from: string;
  readonly names: Names;
}

/**
 * Why transactions of this server give no bound for late rows: another server assigned their times and ids, and they arrive in the order
 * in which they were committed there. Undefined if the rows are created here.
 */
export async function rowsFromElsewhere(
  session: Session,
  { oid, from, names }: ReadObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [[isSubscribed, isForeign] = []] = await session.query(
    oid === undefined ? ofDatabase : ofFamily(oid),
    signal,
  );
  if (isSubscribed === 't') return 'its rows come from a subscription';
  if (isForeign !== 't') return undefined;
  if (oid !== undefined) return 'its rows are in a foreign table';
  const sql = `EXPLAIN (COSTS OFF) SELECT * FROM ${from}`;
  const plan = await session.guard(() => readRows(session, sql, names), signal);
  return plan.some(([line]) => line?.includes('Foreign Scan'))
    ? 'the query reads rows of a foreign table'
    : undefined;
}

const ofDatabase = `SELECT EXISTS (SELECT FROM pg_catalog.pg_subscription_rel), EXISTS (SELECT FROM pg_catalog.pg_foreign_table)`;

/** Includes partitions and children, and the tables behind a view. */
function ofFamily(oid: string): string {
  return `WITH RECURSIVE family (oid) AS (
      SELECT ${oid}::oid
      UNION SELECT n.oid FROM family f CROSS JOIN LATERAL (
        SELECT h.inhrelid FROM pg_catalog.pg_inherits h WHERE h.inhparent = f.oid
        UNION ALL SELECT d.refobjid FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d
          ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
        WHERE r.ev_class = f.oid AND r.ev_type = '1') n (oid))
    SELECT EXISTS (SELECT FROM family JOIN pg_catalog.pg_subscription_rel s ON s.srrelid = family.oid),
      EXISTS (SELECT FROM family JOIN pg_catalog.pg_foreign_table t ON t.ftrelid = family.oid)`;
}

export function elsewhereFinding(name: string, why: string): Finding {
  return {
    severity: 'warning',
    code: 'LateRowsBySafetyLag',
    message: `${name}: ${why}, and open transactions of the other server are not seen: only safetyLag covers late rows`,
    fix: 'read from the server where the rows are written, or set safetyLag',
  };
}
