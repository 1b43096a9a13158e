import type { Connection, FieldPacket, Query } from 'mysql2';
import type { SystemAccess } from '../../core/connector.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { PooledSession } from '../../core/sessions.ts';
import { answerOn } from '../sql/connection/answer.ts';
import { requireAnswered } from '../sql/connection/deadline.ts';
import { OpeningProgress } from '../sql/connection/opening-progress.ts';
import type { PasswordRule } from '../sql/connection/password-rule.ts';
import { type Probe, shortSilenceMs } from '../sql/connection/silence.ts';
import { type Login, readLogin } from './config.ts';
import {
  type Await,
  answered,
  closeConnection,
  destroyConnection,
  isEncrypted,
  onResult,
  socketOf,
} from './connection/guarded-connection.ts';
import { connect } from './connection/open.ts';
import { refusalOf } from './connection/refusal.ts';
import { readFacts, type ServerFacts } from './connection/server-facts.ts';
import { askForKnown, mayWrite, noLimits, type SetUp, setUpOf } from './connection/settings.ts';
import { type Result, type SqlRow, statements } from './connection/statements.ts';
import { classify } from './errors.ts';

/**
 * The statements of readers begin with this mark, and open-transactions.ts ignores them, so that readers never hold back the bound of late rows.
 */
export const readerMark = '/* idra-reader */';
export type Role = 'reader' | 'writer' | 'watch';

/**
 * What a stream of several statements emits. The fields of each statement come before its rows; a statement without rows emits no fields.
 */
export interface RowListener {
  readonly onFields: (fields: readonly FieldPacket[]) => void;
  readonly onRow: (row: SqlRow, statement: number) => boolean;
  /** Index of the statement with very many rows; the others have few. Default: the first. */
  readonly streamed?: number;
  /** What was acquired for a batch of them. */
  readonly batchBytes?: number;
}

/** A server that hangs does not acknowledge a close. */
const closeTimeoutMs = 2_000;
const killTimeoutMs = 5_000;

export class Session implements PooledSession {
  readonly facts: ServerFacts;
  readonly where: string;
  readonly #connection: Connection;
  readonly #login: Login;
  readonly setUp: SetUp;
  readonly #probe: Probe;
  #isBusy = false;
  #lost: Error | undefined;
  /** Set for a session borrowed from the pool. */
  #giveBack: ((isUsable: boolean) => Promise<void>) | undefined;

  private constructor(connection: Connection, login: Login, facts: ServerFacts, setUp: SetUp) {
    this.#connection = connection;
    this.#login = login;
    this.setUp = setUp;
    this.where = login.where;
    this.facts = facts;
    this.#probe = {
      server: login.where,
      everyMs: login.openTimeoutMs,
      connect: () => requireReachable(login),
    };
    connection.on('error', this.#onError);
    connection.on('end', this.#onEnd);
  }

  readonly #onError = (error: Error): void => this.#end(error);
  readonly #onEnd = (): void => this.#end(new Error('the connection has ended'));

  /** Throws a transient error if the server has not answered by the deadline, and the signal's reason if it fires at any time. */
  static async open(access: SystemAccess, role: Role, signal: AbortSignal): Promise<Session> {
    const open = (opening: AbortSignal) => Session.#openNew(access, opening);
    if (!access.sessions) return await open(signal);
    const { server } = readLogin(access);
    const { session, giveBack } = await access.sessions.lend(
      sessionKey(access, `MySQL ${server}`, role),
      open,
      signal,
    );
    const lent = new Session(session.#connection, session.#login, session.facts, session.setUp);
    lent.#giveBack = giveBack;
    return lent;
  }

  static async #openNew(access: SystemAccess, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const login = readLogin(access);
    const deadline = AbortSignal.timeout(login.openTimeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const progress = new OpeningProgress();
    try {
      const connection = await connect(login, either, progress);
      progress.noteLogin();
      answerOn(socketOf(connection))?.loggedIn();
      try {
        const { facts, setUp } = await answered(
          connection,
          { where: login.where, silenceMs: login.openTimeoutMs, signal: either },
          () => prepare(connection, login),
        );
        return new Session(connection, login, facts, setUp);
      } catch (thrown) {
        destroyConnection(connection);
        throw thrown;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (deadline.aborted) throw noAnswer(login, progress);
      throw classify(thrown, login.where);
    }
  }

  /** The password rule of its login. */
  get rule(): PasswordRule {
    return this.#login.rule(isEncrypted(this.#connection));
  }

  get id(): number {
    return this.#connection.threadId;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** The result of every statement. Driver errors are thrown as they are: callers decide by errnoOf, then `guard` classifies them. */
  async run(sql: string): Promise<readonly Result[]> {
    return await this.#use(() => statements(this.#connection, sql));
  }

  /** Like `run`, with LOAD DATA LOCAL among the statements. The server is sent this body, never a file. */
  async load(sql: string, body: readonly Buffer[]): Promise<readonly Result[]> {
    return await this.#use(() => statements(this.#connection, sql, body));
  }

  /** Rows of the last statement. Errors are classified. */
  async query(sql: string, signal?: AbortSignal): Promise<readonly SqlRow[]> {
    const results = await this.guard(() => this.run(sql), signal);
    return results.at(-1)?.rows ?? [];
  }

  /**
   * Streams the rows of statements that are sent together, without keeping them; each row has the index of its statement. `onRow` returns
   * whether to pause; the reader then calls `resume`. Resolves when the last statement has ended.
   */
  async stream(sql: string, { onFields, onRow, streamed = 0, batchBytes }: RowListener): Promise<void> {
    await this.#use(
      () =>
        new Promise<void>((resolve, reject) => {
          const query: Query = this.#connection.query(sql);
          let results = 0;
          query.on('fields', (fields: readonly FieldPacket[] | undefined) => {
            onResult(this.#connection, fields, results !== streamed, batchBytes);
            results += 1;
            onFields(fields ?? []);
          });
          query.on('result', (row: unknown, statement?: number) => {
            if (statement !== undefined && onRow(row as SqlRow, statement)) this.#connection.pause();
          });
          query.on('error', reject);
          query.on('end', () => resolve());
        }),
    );
  }

  resume(): void {
    this.#connection.resume();
  }

  /** The number of columns that one statement returns. The server must accept the text as one whole statement, and does not run it. */
  async columnsOf(sql: string): Promise<number> {
    return await this.#use(
      () =>
        new Promise((resolve, reject) => {
          this.#connection.prepare(sql, (error, statement) => {
            if (error) {
              reject(error);
              return;
            }
            const { columns } = statement as unknown as { readonly columns: readonly unknown[] };
            this.#connection.unprepare(sql);
            resolve(columns.length);
          });
        }),
    );
  }

  /** Until this is called, a session only reads. */
  async allowWrites(signal: AbortSignal): Promise<void> {
    if (this.mayWrite) return;
    await this.query(mayWrite, signal);
    this.mayWrite = true;
  }
  mayWrite = false;

  /** Runs `body` and classifies its error. If the signal fires, the connection is closed and the signal's reason is thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    requireAnswered(signal, this.where);
    const cut = () => this.cut(signal?.reason);
    signal?.addEventListener('abort', cut, { once: true });
    try {
      return await body();
    } catch (thrown) {
      requireAnswered(signal, this.where);
      throw await refusalOf(this, this.#login.driver.database ?? '', thrown);
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }

  /** Closes the connection at once; the server rolls back what is open. A running statement is ended through a separate connection. */
  cut(why: unknown = new Error('the connection was cut')): void {
    if (this.#lost) return;
    const wasBusy = this.#isBusy;
    this.#end(why instanceof Error ? why : new Error('the connection was cut'));
    destroyConnection(this.#connection);
    if (wasBusy) void killAt(this.#login, this.id);
  }

  /** Rolls back, and drops temporary tables, named locks and settings. */
  async reset(): Promise<void> {
    const body = async () => {
      await new Promise<void>((resolve, reject) => {
        this.#connection.reset((error) => (error ? reject(error) : resolve()));
      });
      await statements(this.#connection, this.setUp.first.join('; '));
    };
    await this.#use(body, { silenceMs: shortSilenceMs });
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
    await closeConnection(this.#connection, closeTimeoutMs);
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

  /** One call at a time. Rejects at once if the connection ends, because the driver does not notify all of its callers. */
  async #use<T>(body: () => Promise<T>, more: Partial<Await> = {}): Promise<T> {
    if (this.#lost) throw this.#lost;
    this.#isBusy = true;
    const { where, silenceMs } = this.#login;
    try {
      return await answered(this.#connection, { where, silenceMs, probe: this.#probe, ...more }, () => {
        const { promise, resolve, reject } = Promise.withResolvers<T>();
        this.#reject = reject;
        body().then(resolve, reject);
        return promise;
      });
    } finally {
      this.#reject = undefined;
      this.#isBusy = false;
    }
  }
}

/** Sets up the session and queries the facts that it depends on: two round trips. */
async function prepare(
  connection: Connection,
  login: Login,
): Promise<{ readonly facts: ServerFacts; readonly setUp: SetUp }> {
  const asked = await statements(connection, `${noLimits}; SELECT VERSION(); ${askForKnown}`);
  const isMariaDb = /mariadb/i.test(String(asked[1]?.rows[0]?.[0]));
  const known = new Set((asked[2]?.rows ?? []).map(([name]) => String(name)));
  const setUp = setUpOf(known, isMariaDb, login.settings);
  const { first } = setUp;
  const facts = await readFacts(
    async (sql) => (await statements(connection, [...first, sql].join('; '))).slice(first.length),
    login.where,
    known,
  );
  return { facts, setUp };
}

function noAnswer({ where, openTimeoutMs }: Login, progress: OpeningProgress): Error {
  return progress.noAnswer(where, 'spec.mysql.host', openTimeoutMs);
}

/** Called when a server has fallen silent. Rejects if the server does not accept another session. */
async function requireReachable(login: Login): Promise<void> {
  const deadline = AbortSignal.timeout(login.openTimeoutMs);
  const progress = new OpeningProgress();
  try {
    const connection = await connect(login, deadline, progress);
    connection.end(() => {});
    setTimeout(() => destroyConnection(connection), closeTimeoutMs).unref();
  } catch (thrown) {
    throw deadline.aborted ? noAnswer(login, progress) : classify(thrown, login.where);
  }
}

async function killAt(login: Login, id: number): Promise<void> {
  try {
    const deadline = AbortSignal.timeout(killTimeoutMs);
    const connection = await connect(login, deadline, new OpeningProgress());
    try {
      const limits = { where: login.where, silenceMs: killTimeoutMs, signal: deadline };
      await answered(connection, limits, () => statements(connection, `KILL ${id}`));
    } finally {
      destroyConnection(connection);
    }
  } catch {
    // The session has already ended, or its server is gone.
  }
}
