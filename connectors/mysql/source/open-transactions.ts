import { orAborted } from '../../../core/aborted.ts';
import { backoffMs } from '../../../core/backoff.ts';
import { systemClock } from '../../../core/clock.ts';
import type { SystemAccess } from '../../../core/connector.ts';
import { microsOf } from '../../sql/types/time-text.ts';
import { readLogin } from '../config.ts';
import type { SqlRow } from '../connection/statements.ts';
import { errnoOf } from '../errors.ts';
import { readerMark, Session } from '../session.ts';
import { ReplicaWatch } from './replica.ts';
import { type OpenTransaction, type Statement, type Transaction, TransactionLog } from './transaction-log.ts';

/** What may still commit. `limitation`: why the server's transactions cannot be used here. */
export type OpenTransactions =
  | { readonly atMicros: number; readonly open: readonly OpenTransaction[] }
  | {
      readonly limitation: string;
      readonly fix?: string;
      /** For a replica: up to when it has its source's rows, by its clock. */
      readonly replica?: { readonly positionMicros: number | undefined };
    };

/**
 * `information_schema.innodb_trx` is a cache that is refreshed only if nobody has read it for 100 ms. So each process has one reader per
 * server, with this interval, and processes take turns by a named lock of the server. Since others may poll as well, a snapshot counts
 * only if it shows the very statement that queries it. Retries are at random intervals: two readers with the same rhythm would always
 * miss.
 */
const restMs = 120;
const turnLock = 'idra.look';
/** A process that was stopped while holding the lock is not waited for longer than this. */
const turnWaitSeconds = 5;
const maxTries = 8;
const maxTryRestMs = 1_000;
const snapshotTimeoutMs = 40_000;

/** Errors of a query of innodb_trx that only limit what is seen, by errno. */
const refusals: ReadonlyMap<number, 'denied' | 'unreadable'> = new Map([
  [1227, 'denied'],
  [1142, 'denied'],
  [1045, 'denied'],
  // ER_CANNOT_CONVERT_STRING. MySQL converts the text of every running statement to UTF-8, whichever columns are selected, and fails
  // while a session with character_set_client=binary (a restore of a mysqldump, for example) runs one with other bytes.
  [3854, 'unreadable'],
]);

const denied: OpenTransactions = {
  limitation: 'needs the right PROCESS',
  fix: 'GRANT PROCESS ON *.* TO this user',
};
const unreadable: OpenTransactions = {
  limitation:
    'information_schema.innodb_trx cannot be read while a statement runs whose text is not UTF-8 (character_set_client=binary)',
  fix: 'set another character set for the sessions that use SET NAMES binary, or let their statements end sooner',
};
const neverRefreshed: OpenTransactions = {
  limitation:
    'information_schema.innodb_trx is never refreshed, because others read it more often than every 100 ms',
  fix: 'increase the interval at which others query information_schema.innodb_trx',
};

const watches = new Map<string, TransactionWatch>();

/** One per server and user. Its history is kept after its last user has gone. */
export function watchOf(access: SystemAccess): TransactionWatch {
  const { visibilityKey } = readLogin(access);
  const known = watches.get(visibilityKey);
  if (known) return known;
  const made = new TransactionWatch();
  watches.set(visibilityKey, made);
  return made;
}

export class TransactionWatch {
  readonly #log = new TransactionLog();
  readonly #replica = new ReplicaWatch();
  #users = 0;
  #session: Session | undefined;
  #next: Promise<OpenTransactions> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #snapshotNumber = 0;

  acquire(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    await this.#last;
    if (this.#users > 0) return;
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /** A snapshot that begins after this call, shared by all who wait for it. */
  async snapshot(access: SystemAccess, signal: AbortSignal): Promise<OpenTransactions> {
    signal.throwIfAborted();
    this.#next ??= this.#afterRest(access);
    return await orAborted(this.#next, signal);
  }

  #afterRest(access: SystemAccess): Promise<OpenTransactions> {
    const seen = this.#last.then(async () => {
      this.#next = undefined;
      return await this.#snapshot(access, AbortSignal.timeout(snapshotTimeoutMs));
    });
    const rest = () => this.#rest();
    this.#last = seen.then(rest, rest);
    return seen;
  }

  /** The turn ends when the next reader would no longer get the cache entry that this one read. */
  async #rest(): Promise<void> {
    await systemClock.sleep(restMs);
    const session = this.#session;
    if (session?.isLost === false) await session.run(own(`DO RELEASE_LOCK('${turnLock}')`)).catch(() => {});
  }

  async #snapshot(access: SystemAccess, signal: AbortSignal): Promise<OpenTransactions> {
    if (!this.#session || this.#session.isLost) this.#session = await Session.open(access, 'watch', signal);
    const session = this.#session;
    const replica = await this.#replica.observe(session, signal);
    if (replica.kind === 'readOnly') return { limitation: 'the server is read-only' };
    if (replica.kind === 'replica') {
      const { because, fix, positionMicros } = replica;
      return { limitation: because, ...(fix !== undefined && { fix }), replica: { positionMicros } };
    }
    await takeTurn(session, signal);
    let limitation = neverRefreshed;
    for (let tries = 1; tries <= maxTries; tries++) {
      const processes = await listProcesses(session, signal);
      if (processes.isReplicating) return { limitation: 'other servers write to this one by replication' };
      const mark = `idra-look-${session.id}-${++this.#snapshotNumber}`;
      const rows = await listTransactions(session, mark, signal);
      if (rows === 'denied') return denied;
      if (rows === 'unreadable') limitation = unreadable;
      else {
        const transactions = transactionsOf(rows, mark, processes);
        if (transactions) return this.#taken(rows, transactions, processes);
        limitation = neverRefreshed;
      }
      await systemClock.sleep(restMs + backoffMs(tries, { baseMs: restMs, maxMs: maxTryRestMs }), signal);
    }
    return limitation;
  }

  #taken(
    rows: readonly SqlRow[],
    transactions: readonly Transaction[],
    { atMicros, statements: running }: Processes,
  ): OpenTransactions {
    const readers = readOnlyConnections(rows);
    const statements = running.filter(({ connection }) => !readers.has(connection));
    return { atMicros, open: this.#log.take({ atMicros, statements, transactions }) };
  }
}

/** If the server refuses such locks, a snapshot only needs more attempts. */
async function takeTurn(session: Session, signal: AbortSignal): Promise<void> {
  await session.guard(async () => {
    try {
      await session.run(own(`DO GET_LOCK('${turnLock}', ${turnWaitSeconds})`));
    } catch (thrown) {
      if (session.isLost) throw thrown;
    }
  }, signal);
}

interface Processes {
  readonly atMicros: number;
  readonly statements: readonly Statement[];
  readonly who: ReadonlyMap<string, string>;
  readonly isReplicating: boolean;
}

/** Commands that run no statement. */
const idle = new Set(['Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID']);

async function listProcesses(session: Session, signal: AbortSignal): Promise<Processes> {
  const results = await session.guard(
    () => session.run(`${own('SELECT UTC_TIMESTAMP(6)')}; ${own('SHOW FULL PROCESSLIST')}`),
    signal,
  );
  const atMicros = microsOf(String(results[0]?.rows[0]?.[0]));
  const rows = results[1]?.rows ?? [];
  const statements: Statement[] = [];
  const who = new Map<string, string>();
  const ownUser = rows.find(([id]) => String(id) === String(session.id))?.[1];
  for (const [id, user, host, , command, time, , info] of rows) {
    const connection = String(id);
    const name = `${user}@${String(host).replace(/:\d+$/, '')} (connection ${connection})`;
    who.set(connection, name);
    // Anybody may begin a statement with our mark, so it only counts for our own user.
    const isOwn = user === ownUser && isOwnReader(info);
    if (connection === String(session.id) || idle.has(String(command)) || isOwn) continue;
    const ageMicros = Number(time ?? 0) * 1_000_000;
    statements.push({
      connection,
      earliestMicros: atMicros - ageMicros - 1_000_000,
      // The list was made a little after `atMicros`, and ages are differences of whole seconds.
      latestMicros: atMicros - ageMicros + 2_000_000,
      who: name,
    });
  }
  const isReplicating = rows.some((row) => row[1] === 'system user' && row[4] !== 'Daemon');
  return { atMicros, statements, who, isReplicating };
}

/** Statements of Idra itself are not work that anybody needs to wait for. */
function own(sql: string): string {
  return `${readerMark} ${sql}`;
}

function isOwnReader(sql: unknown): boolean {
  return typeof sql === 'string' && sql.startsWith(readerMark);
}

/** Runs within its own transaction, which the snapshot must contain. */
async function listTransactions(
  session: Session,
  mark: string,
  signal: AbortSignal,
): Promise<readonly SqlRow[] | 'denied' | 'unreadable'> {
  const sql = `SELECT /* ${mark} */ trx_id, trx_mysql_thread_id, trx_started, trx_rows_modified, trx_query, trx_is_read_only FROM information_schema.innodb_trx`;
  return await session.guard(async () => {
    try {
      const begin = 'START TRANSACTION WITH CONSISTENT SNAPSHOT';
      const results = await session.run([begin, sql, 'COMMIT'].map(own).join('; '));
      return results[1]?.rows ?? [];
    } catch (thrown) {
      const refusal = refusals.get(errnoOf(thrown) ?? 0);
      if (refusal === undefined) throw thrown;
      await session.run('ROLLBACK');
      return refusal;
    }
  }, signal);
}

/** The server reports these as read-only, whatever mark they begin with, so that our own readers hold nothing back. */
function readOnlyConnections(rows: readonly SqlRow[]): ReadonlySet<string> {
  return new Set(rows.filter(isReadOnly).map(([, connection]) => String(connection)));
}

function isReadOnly(row: SqlRow): boolean {
  return Number(row[5]) === 1;
}

/** Undefined for an older snapshot that does not contain the statement that queried it. */
function transactionsOf(
  rows: readonly SqlRow[],
  mark: string,
  { atMicros, who }: Processes,
): readonly Transaction[] | undefined {
  const own = rows.find((row) => typeof row[4] === 'string' && row[4].includes(mark));
  if (!own) return undefined;
  // The server writes these times in its system time zone; our own transaction began just now.
  const now = microsOf(String(own[2]));
  return rows
    .filter((row) => row !== own && !isReadOnly(row))
    .map(([id, connection, started, changes]) => ({
      id: String(id),
      connection: String(connection),
      startedMicros: Math.floor((atMicros - (now - microsOf(String(started)))) / 1_000_000) * 1_000_000,
      hasChanges: Number(changes) > 0,
      who: who.get(String(connection)) ?? `connection ${connection}`,
    }));
}
