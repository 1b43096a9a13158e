import { Readable } from 'node:stream';
import mysql, { type Connection, type FieldPacket, type Query } from 'mysql2';
import type { PooledSession, SystemAccess } from '../../core/connector.ts';
import { sessionKey } from '../sql/session-pool.ts';
import { type Login, readLogin } from './config.ts';
import { classify, codeOf, errnoOf, errorNumbers } from './errors.ts';
import { readFacts, type ServerFacts } from './server-facts.ts';

/** As the driver gives values: see `values` below. */
export type Cell = string | number | Buffer | null;
export type SqlRow = Cell[];

/** What one statement answered. */
export interface Result {
  readonly rows: readonly SqlRow[];
  readonly fields: readonly FieldPacket[];
  /** Rows matched by an UPDATE, changed or not; inserted, deleted. */
  readonly affected: number;
  /** Notes are counted too: a rounded DECIMAL is one. */
  readonly warnings: number;
  /** LOAD DATA: `Records: 3  Deleted: 0  Skipped: 0  Warnings: 0`, in the server's language. */
  readonly info: string;
}

/** Readers never hold back the bound of late rows: their statements begin with this, and late-rows.ts leaves them out. */
export const readerMark = '/* idra-reader */';
export type Role = 'reader' | 'writer' | 'watch';

/** Integers of 64 bits, decimals, dates and times as the server writes them; bytes as bytes. */
const values = {
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
  jsonStrings: true,
  timezone: 'Z',
  charset: 'utf8mb4',
  rowsAsArray: true,
  multipleStatements: true,
} as const;

/**
 * Whatever the server's defaults are. Strict, but for zero dates, which both sides of a pair of MySQLs may hold; an id of 0 is a 0.
 * A statement may wait long for the other end of a sync.
 */
const settings = [
  'NAMES utf8mb4',
  "SESSION time_zone = '+00:00'",
  "SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO'",
  'SESSION net_write_timeout = 86400',
  'SESSION wait_timeout = 28800',
  'SESSION sql_notes = 1',
];
/** A writer that was stopped in the middle lets go of its locks after a minute, though nobody claims. Seconds of silence. */
export const idleLimit = {
  inTransaction: 'SET SESSION wait_timeout = 60',
  otherwise: 'SET SESSION wait_timeout = 28800',
} as const;
const writerSettings = ['SESSION autocommit = 1', 'SESSION sql_safe_updates = 0'];

export class Session implements PooledSession {
  readonly facts: ServerFacts;
  readonly where: string;
  readonly #connection: Connection;
  readonly #login: Login;
  readonly #setUpSql: string;
  #isBusy = false;
  #lost: Error | undefined;
  /** Of one that was lent. */
  #giveBack: ((isUsable: boolean) => Promise<void>) | undefined;

  private constructor(connection: Connection, login: Login, facts: ServerFacts, setUpSql: string) {
    this.#connection = connection;
    this.#login = login;
    this.#setUpSql = setUpSql;
    this.where = login.where;
    this.facts = facts;
    connection.on('error', this.#onError);
    connection.on('end', this.#onEnd);
  }

  readonly #onError = (error: Error): void => this.#end(error);
  readonly #onEnd = (): void => this.#end(new Error('the connection has ended'));

  static async open(access: SystemAccess, role: Role, signal: AbortSignal): Promise<Session> {
    const open = (opening: AbortSignal) => Session.#openNew(access, role, opening);
    if (!access.sessions) return await open(signal);
    const { serverKey } = readLogin(access);
    const { session, giveBack } = await access.sessions.lend(
      sessionKey(access, `MySQL ${serverKey}`, role),
      open,
      signal,
    );
    const lent = new Session(session.#connection, session.#login, session.facts, session.#setUpSql);
    lent.#giveBack = giveBack;
    return lent;
  }

  static async #openNew(access: SystemAccess, role: Role, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const login = readLogin(access);
    try {
      const connection = await connect(login, signal);
      try {
        const all = [...settings, ...(role === 'writer' ? writerSettings : []), ...login.settings];
        const setUpSql = all.map((each) => `SET ${each}`).join('; ');
        await statements(connection, setUpSql);
        const facts = await readFacts((sql) => statements(connection, sql));
        return new Session(connection, login, facts, setUpSql);
      } catch (thrown) {
        connection.destroy();
        throw thrown;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      throw classify(thrown, login.where);
    }
  }

  get id(): number {
    return this.#connection.threadId;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Every statement's result. Driver errors come as they are: callers decide by errnoOf, then `guard` classifies. */
  async run(sql: string): Promise<readonly Result[]> {
    return await this.#use(() => statements(this.#connection, sql));
  }

  /** As `run`, with LOAD DATA LOCAL among the statements: the server is sent this body, and never a file. */
  async load(sql: string, body: readonly Buffer[]): Promise<readonly Result[]> {
    return await this.#use(() => statements(this.#connection, sql, body));
  }

  /** Rows of the last statement, with classified errors. */
  async query(sql: string, signal?: AbortSignal): Promise<readonly SqlRow[]> {
    const results = await this.guard(() => this.run(sql), signal);
    return results.at(-1)?.rows ?? [];
  }

  /**
   * Rows one by one as they come, not kept. `onRow` says whether to pause; the reader then calls `resume`. Resolves when the statement
   * has ended.
   */
  async stream(sql: string, onRow: (row: SqlRow) => boolean): Promise<void> {
    await this.#use(
      () =>
        new Promise<void>((resolve, reject) => {
          const query: Query = this.#connection.query(sql);
          query.on('result', (row) => {
            if (onRow(row as unknown as SqlRow)) this.#connection.pause();
          });
          query.on('error', reject);
          query.on('end', () => resolve());
        }),
    );
  }

  resume(): void {
    this.#connection.resume();
  }

  /** Runs `body`; its error is classified, and when the signal fires the connection is cut and the signal's reason thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const cut = () => this.cut(signal?.reason);
    signal?.addEventListener('abort', cut, { once: true });
    try {
      return await body();
    } catch (thrown) {
      signal?.throwIfAborted();
      throw classify(thrown, this.where);
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }

  /** At once: the server rolls back what is open. A statement that it is busy with is ended through a connection of its own. */
  cut(why: unknown = new Error('the connection was cut')): void {
    if (this.#lost) return;
    const wasBusy = this.#isBusy;
    this.#end(why instanceof Error ? why : new Error('the connection was cut'));
    this.#connection.destroy();
    if (wasBusy) void killAt(this.#login, this.id);
  }

  /** Rolls back, and takes along temporary tables, locks by name and settings. */
  async reset(): Promise<void> {
    await this.#use(async () => {
      await new Promise<void>((resolve, reject) => {
        this.#connection.reset((error) => (error ? reject(error) : resolve()));
      });
      await statements(this.#connection, this.#setUpSql);
    });
  }

  async close(): Promise<void> {
    if (this.#lost) return;
    if (this.#isBusy) {
      this.cut();
      return;
    }
    this.#lost = new Error('the connection was closed');
    if (this.#giveBack) {
      this.#unlisten();
      await this.#giveBack(true);
      return;
    }
    await new Promise<void>((resolve) => this.#connection.end(() => resolve()));
  }

  #reject: ((error: Error) => void) | undefined;

  #end(error: Error): void {
    this.#reject?.(this.#lost ?? error);
    if (this.#lost) return;
    this.#lost = error;
    if (!this.#giveBack) return;
    this.#unlisten();
    void this.#giveBack(false);
  }

  #unlisten(): void {
    this.#connection.off('error', this.#onError);
    this.#connection.off('end', this.#onEnd);
  }

  /** One at a time; a connection that ends meanwhile rejects at once: the driver forgets some of its callers. */
  async #use<T>(body: () => Promise<T>): Promise<T> {
    if (this.#lost) throw this.#lost;
    this.#isBusy = true;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#reject = reject;
        body().then(resolve, reject);
      });
    } finally {
      this.#reject = undefined;
      this.#isBusy = false;
    }
  }
}

/** Ends another session of the same user. One that is gone already is as well. */
export async function killSession(session: Session, id: string): Promise<void> {
  try {
    await session.run(`KILL ${BigInt(id)}`);
  } catch (thrown) {
    if (errnoOf(thrown) !== errorNumbers.noSuchThread) throw thrown;
  }
}

async function killAt(login: Login, id: number): Promise<void> {
  try {
    const connection = await connect(login, AbortSignal.timeout(5_000));
    try {
      await statements(connection, `KILL ${id}`);
    } finally {
      connection.destroy();
    }
  } catch {
    // The session has ended by itself, or its server is gone.
  }
}

async function connect(login: Login, signal: AbortSignal): Promise<Connection> {
  try {
    return await open(login.driver, signal);
  } catch (thrown) {
    if (!login.isTlsOptional || codeOf(thrown) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw thrown;
    const { ssl: _, ...plain } = login.driver;
    return await open(plain, signal);
  }
}

function open(driver: Login['driver'], signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const connection = mysql.createConnection({
      ...driver,
      ...values,
      connectAttributes: { program_name: 'idra' },
      enableKeepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    const stop = () => {
      connection.destroy();
      reject(signal.reason);
    };
    const settle = (error: Error | null) => {
      signal.removeEventListener('abort', stop);
      if (!error) {
        connection.off('error', settle);
        resolve(connection);
        return;
      }
      // A later error of the same connection has nobody to tell.
      connection.on('error', () => {});
      connection.destroy();
      reject((isVerified(driver) && untrusted(connection)) || error);
    };
    signal.addEventListener('abort', stop, { once: true });
    connection.on('error', settle);
    connection.connect(settle);
  });
}

/** Otherwise a certificate that does not hold is not why the connection failed: a wrong password is. */
function isVerified({ ssl }: Login['driver']): boolean {
  return typeof ssl === 'object' && ssl.rejectUnauthorized === true;
}

/** The driver writes a code of its own over that of a certificate that does not hold; the socket still knows. */
function untrusted(connection: Connection): Error | undefined {
  const { stream } = connection as Connection & {
    readonly stream?: { readonly authorizationError?: unknown };
  };
  const code = stream?.authorizationError;
  return typeof code === 'string' ? Object.assign(new Error(code), { code }) : undefined;
}

function statements(
  connection: Connection,
  sql: string,
  body?: readonly Buffer[],
): Promise<readonly Result[]> {
  return new Promise((resolve, reject) => {
    const options = { sql, ...(body && { infileStreamFactory: () => Readable.from(packetsOf(body)) }) };
    connection.query(options, (error, results: unknown, fields: unknown) => {
      if (error) reject(error);
      else resolve(toResults(results, fields));
    });
  });
}

/** The server takes no packet above its max_allowed_packet, and these all fit. */
const packetBytes = 524_288;

function* packetsOf(body: readonly Buffer[]): Generator<Buffer> {
  for (const chunk of body) {
    for (let at = 0; at < chunk.length; at += packetBytes) yield chunk.subarray(at, at + packetBytes);
  }
}

interface Header {
  readonly affectedRows: number;
  readonly warningStatus: number;
  readonly info: string;
}

/** Of one statement the driver gives the result itself, of several a list: told apart by the list of lists of fields. */
function toResults(results: unknown, fields: unknown): readonly Result[] {
  const isList = Array.isArray(fields) && fields.every((each) => each === undefined || Array.isArray(each));
  if (!isList || fields.length === 0) return [toResult(results, fields)];
  return (results as readonly unknown[]).map((each, index) => toResult(each, fields[index]));
}

function toResult(result: unknown, fields: unknown): Result {
  if (Array.isArray(result)) {
    return { rows: result, fields: (fields ?? []) as FieldPacket[], affected: 0, warnings: 0, info: '' };
  }
  const header = result as Header;
  return {
    rows: [],
    fields: [],
    affected: header.affectedRows,
    warnings: header.warningStatus,
    info: header.info,
  };
}
