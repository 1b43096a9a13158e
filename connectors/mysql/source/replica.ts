import { serverInteger } from '../../sql/connection/server-integer.ts';
import { microsOf } from '../../sql/types/time-text.ts';
import type { Result } from '../connection/statements.ts';
import { errnoOf } from '../errors.ts';
import { readerMark, type Session } from '../session.ts';

/**
 * Whether a server gets its rows from another one, and up to when it has them. Its own clock does not show that, since the link may be
 * down. A heartbeat does: the source sends it when it has nothing else to send. What was committed before it has been received, and has
 * been replayed once nothing received is left. Without heartbeats, the rows themselves show how far it is (late-row-bound.ts).
 */
export type ReplicaState =
  | { readonly kind: 'none' }
  /** A member of a cluster, or a server that is only set to read-only. */
  | { readonly kind: 'readOnly' }
  | {
      readonly kind: 'replica';
      readonly because: string;
      readonly fix?: string;
      /** By this server's clock; undefined if not known. */
      readonly positionMicros: number | undefined;
    };

const grant = 'GRANT REPLICATION CLIENT ON *.* TO this user';
const grantOnMariaDb = 'GRANT REPLICA MONITOR ON *.* TO this user';
const grantHeartbeats = 'GRANT SELECT ON performance_schema.replication_connection_status TO this user';
const deniedNumbers = new Set([1142, 1227, 1044, 1045]);

/** Keeps state between snapshots, because MariaDB only counts its heartbeats. */
export class ReplicaWatch {
  #counted: { readonly count: bigint; readonly atMicros: number } | undefined;
  #heartbeatMicros: number | undefined;

  async observe(session: Session, signal: AbortSignal): Promise<ReplicaState> {
    const { isMariaDb } = session.facts;
    const facts = await ask(
      session,
      `SELECT @@global.read_only, UTC_TIMESTAMP(6), ${isMariaDb ? "@@global.gtid_slave_pos = ''" : ownGtidsAlone}`,
      signal,
    );
    const [readOnly, now, isProvedAlone] = facts === 'denied' ? [] : (facts.rows[0] ?? []);
    const heartbeat = isMariaDb ? undefined : await this.#heartbeatOfMysql(session, signal);
    const status = await ask(session, isMariaDb ? 'SHOW ALL SLAVES STATUS' : 'SHOW REPLICA STATUS', signal);
    if (status === 'denied') {
      if (Number(isProvedAlone) === 1 && Number(readOnly) === 0) return { kind: 'none' };
      const because = 'this user cannot see whether the server is a replica and how far it has replayed';
      return {
        kind: 'replica',
        because,
        fix: isMariaDb ? grantOnMariaDb : grant,
        positionMicros: undefined,
      };
    }
    if (status.rows.length === 0) return { kind: Number(readOnly) === 1 ? 'readOnly' : 'none' };
    const [only, ...others] = status.rows.map(
      (row) => new Map(status.fields.map((field, at) => [field.name, row[at]])),
    );
    const isSingle = only !== undefined && others.length === 0;
    const atMicros = microsOf(String(now));
    if (isMariaDb)
      this.#countHeartbeats(
        serverInteger(only?.get('Slave_received_heartbeats') ?? 0, session.where),
        atMicros,
      );
    else this.#heartbeatMicros = heartbeat === 'denied' ? undefined : heartbeat;
    const isReplayed = isSingle && hasReplayedAll(only);
    return {
      kind: 'replica',
      because: 'the server is a replica, which has only what it has replayed',
      ...(heartbeat === 'denied' && { fix: grantHeartbeats }),
      positionMicros: isReplayed ? this.#heartbeatMicros : undefined,
    };
  }

  /** The heartbeat that came after the last snapshot was sent no earlier than that snapshot. */
  #countHeartbeats(count: bigint, atMicros: number): void {
    const before = this.#counted;
    if (before && count > before.count) this.#heartbeatMicros = before.atMicros;
    this.#counted = { count, atMicros };
  }

  async #heartbeatOfMysql(session: Session, signal: AbortSignal): Promise<number | 'denied' | undefined> {
    const sql = 'SELECT MAX(LAST_HEARTBEAT_TIMESTAMP) FROM performance_schema.replication_connection_status';
    const answer = await ask(session, sql, signal);
    if (answer === 'denied') return answer;
    const micros = microsOf(String(answer.rows[0]?.[0]));
    return micros > 0 ? micros : undefined;
  }
}

/** True if all transactions ever executed here began here; false also if none has a GTID. */
const ownGtidsAlone =
  "@@global.gtid_mode = 'ON' AND REPLACE(REPLACE(@@global.gtid_executed, @@server_uuid, ''), '\\n', '') NOT REGEXP '[0-9a-f]{8}-'";

function hasReplayedAll(status: ReadonlyMap<string, unknown>): boolean {
  const of = (...names: readonly string[]) =>
    String(names.map((name) => status.get(name)).find((value) => value !== undefined));
  return (
    of('Replica_SQL_Running', 'Slave_SQL_Running') === 'Yes' &&
    of('Source_Log_File', 'Master_Log_File') === of('Relay_Source_Log_File', 'Relay_Master_Log_File') &&
    of('Read_Source_Log_Pos', 'Read_Master_Log_Pos') === of('Exec_Source_Log_Pos', 'Exec_Master_Log_Pos')
  );
}

async function ask(session: Session, sql: string, signal: AbortSignal): Promise<Result | 'denied'> {
  return await session.guard(async () => {
    try {
      const [result] = await session.run(`${readerMark} ${sql}`);
      return result ?? 'denied';
    } catch (thrown) {
      if (session.isLost || !deniedNumbers.has(errnoOf(thrown) ?? 0)) throw thrown;
      return 'denied';
    }
  }, signal);
}
