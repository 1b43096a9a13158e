import { IdraError } from '../../../core/errors.ts';
import { programName } from '../connection/open.ts';
import type { SqlRow } from '../connection/statements.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';
import { microsOf } from '../types/time-text.ts';

/** A transaction or statement that may still commit rows. */
export interface OpenTransaction {
  /** Microseconds since 1970: it took no time, and no number, before this. */
  readonly floorMicros: number;
  readonly sinceMicros: number;
  /** `session 57 of shop (app)`, for messages. */
  readonly what: string;
}

/** What may still commit. `limitation`: why the server's transactions cannot be used here. */
export type OpenTransactions =
  | { readonly atMicros: number; readonly open: readonly OpenTransaction[] }
  | { readonly limitation: string; readonly fix?: string; readonly isSecondary?: true };

/** The views round times to a three-hundredth of a second, up or down. */
const roundingMicros = 4_000;

/**
 * Transactions of all sessions, and statements that run: each takes its times and numbers after it began. A transaction that was prepared
 * by a coordinator belongs to no session. Idra's own readers never write. Times are in the server's zone, so ages are computed there.
 */
const openSql = `SELECT CONVERT(varchar(27), SYSUTCDATETIME(), 121), HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE');
SELECT CONVERT(varchar(30), DATEDIFF_BIG(microsecond, o.since, SYSDATETIME())), o.session_id, s.login_name, s.program_name
FROM (
  SELECT t.transaction_begin_time AS since, x.session_id FROM sys.dm_tran_active_transactions AS t
    JOIN sys.dm_tran_session_transactions AS x ON x.transaction_id = t.transaction_id WHERE x.is_user_transaction = 1
  UNION ALL SELECT t.transaction_begin_time, 0 FROM sys.dm_tran_active_transactions AS t WHERE t.transaction_type = 4
    AND NOT EXISTS (SELECT 1 FROM sys.dm_tran_session_transactions AS x WHERE x.transaction_id = t.transaction_id)
  UNION ALL SELECT r.start_time, r.session_id FROM sys.dm_exec_requests AS r WHERE r.session_id > 50 AND r.session_id <> @@SPID
) AS o LEFT JOIN sys.dm_exec_sessions AS s ON s.session_id = o.session_id
WHERE o.session_id <> @@SPID AND (s.program_name IS NULL OR s.program_name <> ${literalText(programName.reader)})
  AND (s.is_user_process IS NULL OR s.is_user_process = 1)
ORDER BY o.since`;

export async function readOpenTransactions(session: Session, signal: AbortSignal): Promise<OpenTransactions> {
  if (session.facts.isReadOnly)
    return { limitation: 'the database is read-only: a secondary, or a copy', isSecondary: true };
  try {
    const results = await session.guard(() => session.run(openSql), signal);
    return openIn(results.map(({ rows }) => rows));
  } catch (thrown) {
    if (!(thrown instanceof IdraError) || thrown.disposition !== 'permanent') throw thrown;
    return thrown.code === 'PermissionDenied'
      ? denied
      : { limitation: 'the server has no views of its transactions' };
  }
}

const denied: OpenTransactions = {
  limitation: 'needs the right VIEW SERVER STATE (VIEW SERVER PERFORMANCE STATE since SQL Server 2022)',
  fix: 'GRANT VIEW SERVER STATE TO the login of the DataSource (in Azure SQL: GRANT VIEW DATABASE STATE TO its user)',
};

/** From the answers to the two statements. Without the right, the server shows only the user's own sessions, and raises no error. */
export function openIn([about = [], rows = []]: readonly (readonly SqlRow[])[]): OpenTransactions {
  const [[now, mayView] = []] = about;
  if (Number(mayView) !== 1) return denied;
  const atMicros = microsOf(String(now));
  const open = rows.map(([age, id, login, program]): OpenTransaction => {
    const sinceMicros = atMicros - Math.max(0, Number(age));
    return { floorMicros: sinceMicros - roundingMicros, sinceMicros, what: nameOf(id, login, program) };
  });
  return { atMicros, open: open.toSorted((one, other) => one.floorMicros - other.floorMicros) };
}

function nameOf(id: unknown, login: unknown, program: unknown): string {
  if (Number(id) === 0) return 'a distributed transaction that no session holds';
  const name = typeof program === 'string' && program !== '' ? ` (${program})` : '';
  return `session ${id}${typeof login === 'string' ? ` of ${login}` : ''}${name}`;
}
