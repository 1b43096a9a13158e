import { randomUUID } from 'node:crypto';
import type { Connection } from 'tedious';
import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { Lent, PooledSession } from '../../core/sessions.ts';
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
  onPaused,
} from './connection/guarded-connection.ts';
import { connect, type Opened, type Role } from './connection/open.ts';
import { readFacts, type ServerFacts } from './connection/server-facts.ts';
import {
  askForKept,
  keptAnswer,
  readingEnds,
  settings,
  settingText,
  setUpText,
} from './connection/settings.ts';
import { type Result, type RowListener, type SqlRow, statements, stream } from './connection/statements.ts';
import { type BulkRows, bulkLoad } from './destination/bulk-load.ts';
import { classify, numberOf } from './errors.ts';

export type { Role } from './connection/open.ts';

/** A server that hangs does not acknowledge a close. */
const closeTimeoutMs = 2_000;
/** While a reader waits for its caller, the server is not silent. */
const pausedTickMs = 10_000;

/** One connection. One call at a time. */
export class Session implements PooledSession {
  readonly facts: ServerFacts;
  /** Of this use of the connection. */
  readonly id = randomUUID();
  readonly #opened: Opened;
  readonly #login: Login;
  readonly #probe: Probe;
  readonly #giveBack: Lent<Session>['giveBack'] | undefined;
  /** Of the call that waits for an answer. */
  #running: AbortController | undefined;
  #lost: Error | undefined;

  private constructor(
    opened: Opened,
    login: Login,
    facts: ServerFacts,
    giveBack?: Lent<Session>['giveBack'],
  ) {
    this.#opened = opened;
    this.#login = login;
    this.facts = facts;
    this.#giveBack = giveBack;
    this.#probe = {
      server: login.where,
      everyMs: login.openTimeoutMs,
      connect: () => requireReachable(login),
    };
    this.#connection.on('end', this.#onEnd);
  }

  readonly #onEnd = (): void => this.#end(new Error('the connection has ended'));

  /** Throws a transient error if the server has not answered by the deadline, and the signal's reason if it fires at any time. */
  static async open(access: SystemAccess, role: Role, signal: AbortSignal): Promise<Session> {
    const open = (opening: AbortSignal) => Session.#openNew(access, role, opening);
    if (!access.sessions) return await open(signal);
    const key = sessionKey(access, `SQL Server ${readLogin(access).server}`, role);
    const { session, giveBack } = await access.sessions.lend(key, open, signal);
    return new Session(session.#opened, session.#login, session.facts, giveBack);
  }

  static async #openNew(access: SystemAccess, role: Role, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const login = readLogin(access);
    const deadline = AbortSignal.timeout(login.openTimeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const progress = new OpeningProgress();
    try {
      const opened = await connect(login, role, either, progress);
      progress.noteLogin();
      try {
        const facts = await answered(
          opened.connection,
          { where: login.where, silenceMs: login.openTimeoutMs, signal: either },
          async () => {
            await setUp(opened.connection, login);
            return await readFacts((sql) => statements(opened.connection, sql), login.where);
          },
        );
        return new Session(opened, login, facts);
      } catch (thrown) {
        destroyConnection(opened.connection);
        throw thrown;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (deadline.aborted) throw progress.noAnswer(login.where, 'spec.sqlserver.host', login.openTimeoutMs);
      throw classify(thrown, login.where);
    }
  }

  get #connection(): Connection {
    return this.#opened.connection;
  }

  get where(): string {
    return this.#login.where;
  }

  get lockTimeoutMs(): number {
    return this.#login.lockTimeoutMs;
  }

  /** The password rule of its login. */
  get rule(): PasswordRule {
    return this.#login.rule(this.#opened.isEncrypted);
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** The results of statements that are sent together. Driver errors are thrown as they are: callers decide by numberOf, then `guard` classifies them. */
  async run(sql: string): Promise<readonly Result[]> {
    return await this.#use(() => statements(this.#connection, sql));
  }

  /** Rows of the first result. Errors are classified. */
  async query(sql: string, signal?: AbortSignal): Promise<readonly SqlRow[]> {
    const results = await this.guard(() => this.run(sql), signal);
    return results[0]?.rows ?? [];
  }

  /** Hands over rows without keeping them. */
  async stream(sql: string, listener: RowListener): Promise<void> {
    await this.#use(() => stream(this.#connection, sql, listener));
  }

  /** While the rows of `stream` wait for their caller. Call the returned function when they go on. */
  waits(): () => void {
    const timer = setInterval(() => onPaused(this.#connection), pausedTickMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Sends rows to a temporary table of this session. */
  async load(rows: BulkRows): Promise<number> {
    return await this.#use(() => bulkLoad(this.#connection, rows));
  }

  /** Ends an open transaction, in whatever state an error has left it. */
  async rollBack(): Promise<void> {
    await this.run(readingEnds(this));
  }

  /** Runs `body` and classifies its error. If the signal fires, the connection is closed and the signal's reason is thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    requireAnswered(signal, this.where);
    const cut = () => this.cut(signal?.reason);
    signal?.addEventListener('abort', cut, { once: true });
    try {
      return await body();
    } catch (thrown) {
      requireAnswered(signal, this.where);
      throw classify(thrown, this.where);
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }

  /** Closes the connection at once; the server ends a running statement and rolls back what is open. */
  cut(why: unknown = new Error('the connection was cut')): void {
    if (this.#lost) return;
    this.#end(why instanceof Error ? why : new Error('the connection was cut'));
    if (this.#running) this.#running.abort(this.#lost);
    else destroyConnection(this.#connection);
  }

  /** Rolls back, and drops temporary tables, application locks and settings. */
  async reset(): Promise<void> {
    const body = async () => {
      await new Promise<void>((resolve, reject) => {
        this.#connection.reset((error) => (error ? reject(error) : resolve()));
      });
      await setUp(this.#connection, this.#login);
    };
    await this.#use(body, { silenceMs: shortSilenceMs });
  }

  async close(): Promise<void> {
    if (this.#lost) return;
    if (this.#running) {
      this.cut();
      return;
    }
    this.#lost = new Error('the connection was closed');
    this.#connection.off('end', this.#onEnd);
    if (this.#giveBack) await this.#giveBack(true);
    else await closeConnection(this.#connection, closeTimeoutMs);
  }

  #end(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#connection.off('end', this.#onEnd);
    void this.#giveBack?.(false);
  }

  async #use<T>(body: () => Promise<T>, more: Partial<Await> = {}): Promise<T> {
    if (this.#lost) throw this.#lost;
    const { where, silenceMs } = this.#login;
    this.#running = new AbortController();
    const { signal } = this.#running;
    try {
      return await answered(
        this.#connection,
        { where, silenceMs, probe: this.#probe, signal, ...more },
        body,
      );
    } finally {
      this.#running = undefined;
    }
  }
}

/** Settings that a server has refused, by the server with its DataSource: it does not have them. */
const unknownSettings = new Map<string, ReadonlySet<string>>();

/** One round trip, except with a server that does not know a setting. */
async function setUp(connection: Connection, login: Login): Promise<void> {
  const unknown = unknownSettings.get(login.where) ?? new Set();
  try {
    await requireKept(connection, setUpText(login.lockTimeoutMs, unknown), login.where);
  } catch (thrown) {
    if (numberOf(thrown) === undefined) throw thrown;
    unknownSettings.set(login.where, await refusedSettings(connection));
    const known = setUpText(login.lockTimeoutMs, unknownSettings.get(login.where) ?? new Set());
    await requireKept(connection, known, login.where);
  }
}

async function refusedSettings(connection: Connection): Promise<ReadonlySet<string>> {
  const refused = new Set<string>();
  for (const setting of settings) {
    try {
      await statements(connection, settingText(setting));
    } catch (thrown) {
      if (numberOf(thrown) === undefined || !setting.mayBeUnknown) throw thrown;
      refused.add(setting.name);
    }
  }
  return refused;
}

async function requireKept(connection: Connection, sql: string, where: string): Promise<void> {
  const [result] = await statements(connection, `${sql}; ${askForKept}`);
  if (Number(result?.rows[0]?.[0]) === keptAnswer) return;
  throw permanent(
    'PoolerNotSupported',
    `${where}: the session does not have the settings that were set; a proxy may have dropped the statement`,
    { path: 'spec.sqlserver.host', fix: "set host and port to the server's own" },
  );
}

/** Called when a server has fallen silent. Rejects if the server does not accept another session. */
async function requireReachable(login: Login): Promise<void> {
  const deadline = AbortSignal.timeout(login.openTimeoutMs);
  const progress = new OpeningProgress();
  try {
    const { connection } = await connect(login, 'reader', deadline, progress);
    void closeConnection(connection, closeTimeoutMs);
  } catch (thrown) {
    if (deadline.aborted) throw progress.noAnswer(login.where, 'spec.sqlserver.host', login.openTimeoutMs);
    throw classify(thrown, login.where);
  }
}
