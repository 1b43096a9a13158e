import type { HeldBackBy } from '../../../core/connector.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import { readerName } from '../connection/open.ts';
import type { TextRow } from '../connection/statements.ts';
import type { Session } from '../session.ts';

/** A transaction of another session in this database that may still commit rows. */
export interface OpenTransaction {
  /** Virtual transaction id: `3/1842`. */
  readonly virtualId: string;
  /** Microseconds since 1970; undefined if this user may not see it. */
  readonly startMicros: bigint | undefined;
  /** It has been waiting for its client for a while, so it may take a person to end it, or never end. */
  readonly isIdle: boolean;
  /** `transaction 3/1842 of shop (pid 4211, psql)`. */
  readonly description: string;
}

export interface PreparedTransaction {
  readonly gid: string;
  /** Its transaction id; a gid may be reused. */
  readonly id: string;
  readonly preparedMicros: bigint;
}

/** What is open at one moment. Prepared transactions are read after the others, so that none is missed in between. */
export interface ActivitySnapshot {
  readonly open: readonly OpenTransaction[];
  readonly prepared: readonly PreparedTransaction[];
}

/** What the server shows about other sessions. */
export interface Visibility {
  /** For a standby, the commit time of the last replayed transaction, regardless of its clock; undefined if it has none. */
  readonly nowMicros: bigint | undefined;
  readonly isStandby: boolean;
  /** Why starts of transactions are not visible; undefined if they are. */
  readonly limitation: string | undefined;
}

const micros = (expression: string) => `(extract(epoch FROM ${expression}) * 1000000)::bigint`;

/**
 * A standby that has replayed everything it received may have received nothing for hours: only a commit or a checkpoint shows how far the
 * primary was. After a restart it knows of no commit until the next one arrives.
 */
const visibilitySql = `SELECT pg_is_in_recovery(),
  ${micros(`CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_xact_replay_timestamp(), (SELECT checkpoint_time FROM pg_control_checkpoint()))
    ELSE clock_timestamp() END`)},
  pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), current_setting('track_activities')`;

export async function readVisibility(session: Session, signal: AbortSignal): Promise<Visibility> {
  const [[isStandby, now, canSee, isTracked] = []] = await session.query(visibilitySql, signal);
  const limitation =
    isStandby === 't'
      ? 'standby'
      : canSee !== 't'
        ? 'needs pg_read_all_stats'
        : isTracked !== 'on'
          ? 'track_activities is off'
          : undefined;
  return {
    nowMicros: now === null || now === undefined ? undefined : serverInteger(now, 'PostgreSQL'),
    isStandby: isStandby === 't',
    limitation,
  };
}

/**
 * Sessions of this database except our own readers, sessions that stream the log (START_REPLICATION is one statement that runs for weeks,
 * and writes nothing), and processes without a user (autovacuum). A statement that runs outside of a transaction's known start counts
 * from its own start: between the transactions of one message, and before the first is visible, now() is the time of the message.
 */
const streams = `EXISTS (SELECT FROM pg_catalog.pg_stat_get_wal_senders() r WHERE r.pid = a.pid AND r.state IN ('catchup', 'streaming', 'backup'))`;
const others = `LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
    AND (a.pid IS NULL OR (a.usesysid IS NOT NULL AND a.datname = current_database() AND a.application_name IS DISTINCT FROM '${readerName}'))`;
const openByLocks = `SELECT l.virtualxid, ${micros('a.xact_start')}, l.pid, a.usename, a.application_name, a.state,
    a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '300 ms' FROM pg_catalog.pg_locks l ${others}`;
const openByActivity = `SELECT coalesce((SELECT l.virtualxid FROM pg_catalog.pg_locks l WHERE l.locktype = 'virtualxid' AND l.pid = a.pid LIMIT 1), ''),
    ${micros("CASE WHEN a.state = 'active' THEN least(a.xact_start, a.query_start) ELSE a.xact_start END")},
    a.pid, a.usename, a.application_name, a.state
  FROM pg_catalog.pg_stat_activity a
  WHERE a.usesysid IS NOT NULL AND a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND a.application_name IS DISTINCT FROM '${readerName}' AND NOT ${streams}
    AND (a.xact_start IS NOT NULL OR a.state = 'active' OR a.state = 'disabled')`;
const preparedSql = `SELECT gid, transaction::text, ${micros('prepared')} FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()`;

/** Sessions whose start is visible; `hidden` names a session that has turned track_activities off. */
export async function snapshotByStarts(
  session: Session,
  signal: AbortSignal,
): Promise<ActivitySnapshot & { readonly hidden: string | undefined }> {
  const { open, prepared } = await snapshotBy(openByActivity, session, signal);
  const hidden = open.find((row) => row[5] === 'disabled');
  return {
    open: open.filter((row) => row !== hidden).map(toTransaction),
    prepared,
    hidden: hidden && `pid ${hidden[2]} has track_activities off`,
  };
}

/** Sessions that hold a virtual transaction id; requires no right. */
export async function snapshotByLocks(session: Session, signal: AbortSignal): Promise<ActivitySnapshot> {
  const { open, prepared } = await snapshotBy(openByLocks, session, signal);
  return { open: open.map(toTransaction), prepared };
}

async function snapshotBy(
  sql: string,
  session: Session,
  signal: AbortSignal,
): Promise<{ open: readonly TextRow[]; prepared: PreparedTransaction[] }> {
  const [open, prepared] = await session.guard(() => session.runAll(`${sql}; ${preparedSql}`), signal);
  return {
    open: open?.rows ?? [],
    prepared: (prepared?.rows ?? []).map(([gid, id, time]) => ({
      gid: gid ?? '',
      id: id ?? '',
      preparedMicros: serverInteger(time ?? 0, 'PostgreSQL'),
    })),
  };
}

function toTransaction([virtualId, start, pid, user, application, , isIdle]: TextRow): OpenTransaction {
  const who = [`pid ${pid}`, application].filter(Boolean).join(', ');
  return {
    virtualId: virtualId ?? '',
    isIdle: isIdle === 't',
    startMicros: start === null || start === undefined ? undefined : serverInteger(start, 'PostgreSQL'),
    description: `transaction ${virtualId ? `${virtualId} ` : ''}of ${user ?? 'an unknown user'} (${who})`,
  };
}

export function heldBackByPrepared({ gid, preparedMicros }: PreparedTransaction): HeldBackBy {
  return { what: `prepared transaction "${gid}"`, since: isoTime(preparedMicros) };
}

export function isoTime(timeMicros: bigint): string {
  return new Date(Number(timeMicros / 1000n)).toISOString();
}
