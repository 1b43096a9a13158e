import type pg from 'pg';
import type { BatchLimits } from '../../core/batch.ts';
import type { SystemAccess, SystemIdentity } from '../../core/connector.ts';
import type { IdraError } from '../../core/errors.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { PooledSession } from '../../core/sessions.ts';
import { protocolError } from '../sql/connection/guarded-socket.ts';
import { OpeningProgress } from '../sql/connection/opening-progress.ts';
import type { PasswordRule } from '../sql/connection/password-rule.ts';
import { defaultSilenceMs, type Probe, shortSilenceMs, watchSilence } from '../sql/connection/silence.ts';
import { passwordRule, readConfig, seconds, tlsOptions } from './config.ts';
import { type CopyBody, CopyIn, CopyOut } from './connection/copy.ts';
import type { FramePart } from './connection/frames.ts';
import { guardConnection, socketOf } from './connection/guarded-connection.ts';
import { driverClient } from './connection/open.ts';
import { requireServer } from './connection/pooler.ts';
import { readingShaped } from './connection/read-only.ts';
import { pathOption } from './connection/search-path.ts';
import { discard, settingsOf } from './connection/settings.ts';
import { classify, classifyAs } from './errors.ts';
import { type ShapeQuery, shapeText } from './fingerprint.ts';
import { readIdentity } from './identity.ts';
import { ParseOnly } from './source/one-statement.ts';
import { literalText } from './types/literals.ts';

/** Readers never hold back the bound of late rows: late-row-bound.ts ignores sessions with this name. */
export const readerName = 'idra-reader';
export const writerName = 'idra-writer';
type SessionName = typeof readerName | typeof writerName;

const defaultConnectMs = 10_000;
const keepAliveMs = 30_000;
const farewellMs = 2_000;

export interface CopyFormat {
  readonly limits: BatchLimits;
  readonly isBinary: boolean;
}

/** The object to read, and its shape when it was described. */
export interface ExpectedShape {
  readonly query: ShapeQuery;
  readonly text: string;
}

/** Thrown before the first row of a read if the object does not have the expected shape. */
export class ShapeDiffers extends Error {}

export type TextRow = readonly (string | null)[];

interface Opening {
  readonly name: SessionName;
  /** For messages. */
  readonly doing: string;
  readonly setUpSql: string;
  readonly silenceMs: number;
  readonly rule: PasswordRule;
  readonly probe: Probe;
}

let lendings = 0;

/** One connection. Results are texts, as the server writes them. */
export class Session implements PooledSession {
  readonly #client: pg.Client;
  readonly #opening: Opening;
  readonly #name: SessionName;
  readonly #doing: string;
  readonly #setUpSql: string;
  readonly #silenceMs: number;
  /** The password rule of its login. */
  readonly rule: PasswordRule;
  /** Empty if this user may not query it. */
  identity: SystemIdentity = [];
  readonly #probe: Probe;
  /** Callers that wait for the server. If the connection ends, each is notified at once. */
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: Error | undefined;
  #running = 0;
  #isClosed = false;
  /** Set for a session borrowed from the pool. */
  #giveBack: ((isUsable: boolean) => Promise<void>) | undefined;

  private constructor(client: pg.Client, opening: Opening) {
    const { name, doing, setUpSql, silenceMs, rule, probe } = opening;
    this.#client = client;
    this.#opening = opening;
    this.rule = rule;
    this.#silenceMs = silenceMs;
    this.#probe = probe;
    this.#name = name;
    this.#doing = doing;
    this.#setUpSql = setUpSql;
    client.on('error', this.#onError);
    client.on('end', this.#onEnd);
  }

  readonly #onError = (error: Error): void => this.#lose(error);
  readonly #onEnd = (): void => this.#lose(new Error('the connection has ended'));

  static async open(access: SystemAccess, name: SessionName, signal: AbortSignal): Promise<Session> {
    const open = (opening: AbortSignal) => Session.#openNew(access, name, opening);
    if (!access.sessions) return await open(signal);
    const { host, port } = readConfig(access);
    const key = sessionKey(access, `PostgreSQL ${host}:${port}`, name);
    const { session, giveBack } = await access.sessions.lend(key, open, signal);
    const lent = new Session(session.#client, session.#opening);
    lent.identity = session.identity;
    lent.#giveBack = giveBack;
    return lent;
  }

  static async #openNew(access: SystemAccess, name: SessionName, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const config = readConfig(access);
    const doing = `PostgreSQL ${config.host}:${config.port}/${config.database} (${access.dataSource})`;
    const connectTimeoutMs = seconds(config.parameters.connect_timeout) ?? defaultConnectMs;
    const ssl = await tlsOptions(config, access, connectTimeoutMs, signal);
    const rule = passwordRule(config, access, ssl, doing);
    const path = config.parameters.search_path;
    const options = {
      host: config.host,
      port: config.port,
      database: config.database,
      user: config.user,
      ssl,
      application_name: name,
      ...(path !== undefined && { options: pathOption(path) }),
      keepAlive: true,
      keepAliveInitialDelayMillis: seconds(config.parameters.keepalives_idle) ?? keepAliveMs,
      types: { getTypeParser: () => (text: string) => text },
    };
    const client = driverClient(options, access.secret('password')?.reveal() ?? '');
    const setUpSql = settingsOf(name === readerName ? 'reader' : 'writer', config);
    guardConnection(client, rule);
    const progress = new OpeningProgress();
    progress.watch(socketOf(client));
    const silenceMs = seconds(config.parameters.socket_timeout) ?? defaultSilenceMs;
    const probe = {
      server: doing,
      everyMs: connectTimeoutMs,
      connect: () => Session.#answers(access, name),
    };
    const session = new Session(client, { name, doing, setUpSql, silenceMs, rule, probe });
    // end() is not used, because a pending connect would then never settle.
    const stop = onAbort(signal, () => session.cut());
    const giveUp = () => session.cut(progress.noAnswer(doing, 'spec.postgres.host', connectTimeoutMs));
    const late = setTimeout(giveUp, connectTimeoutMs);
    try {
      signal.throwIfAborted();
      await client.connect();
      progress.noteLogin();
      await requireServer(session, doing);
      await session.#use(client.query(setUpSql));
      session.identity = await readIdentity(session);
      return session;
    } catch (thrown) {
      session.cut();
      signal.throwIfAborted();
      throw classify(thrown, doing);
    } finally {
      clearTimeout(late);
      stop();
    }
  }

  /** Called when a server has fallen silent. Rejects if the server does not accept another session. */
  static async #answers(access: SystemAccess, name: SessionName): Promise<void> {
    const session = await Session.#openNew(access, name, new AbortController().signal);
    await session.close();
  }

  get pid(): number {
    return 'processID' in this.#client && typeof this.#client.processID === 'number'
      ? this.#client.processID
      : 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Rows of the last statement that returns any. Driver errors are thrown as they are: callers decide by sqlState, then `fail`. */
  async run(sql: string): Promise<readonly TextRow[]> {
    const results = await this.runAll(sql);
    return results.findLast((each) => each.rows.length > 0)?.rows ?? [];
  }

  /** Rows and count of every statement. */
  async runAll(
    sql: string,
  ): Promise<readonly { readonly rows: readonly TextRow[]; readonly rowCount: number }[]> {
    const results = await this.results(sql);
    return results.map((each) => ({ rows: each.rows as TextRow[], rowCount: each.rowCount ?? 0 }));
  }

  /** Like `run`, with classified errors. */
  async query(sql: string, signal?: AbortSignal): Promise<readonly TextRow[]> {
    return await this.guard(() => this.run(sql), signal);
  }

  /** Like `query`, with the names and types of the columns. */
  async results(sql: string): Promise<readonly pg.QueryArrayResult[]> {
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await this.#use(
      this.#client.query({ text: sql, rowMode: 'array' }),
    );
    return Array.isArray(result) ? result : [result];
  }

  /** Throws unless the text is one statement; nothing of it runs. */
  async parse(text: string): Promise<void> {
    await this.#use(this.#client.query(new ParseOnly(text)).done);
  }

  /** Reads names and types of a result, and the fingerprint, in one transaction. */
  async shape(query: ShapeQuery, signal?: AbortSignal): Promise<string> {
    const results = await this.guard(() => this.results(readingShaped(query)), signal).catch(
      async (thrown: unknown) => {
        await this.rollBack();
        throw thrown;
      },
    );
    const [locked, seen] = results.filter((each) => each.command === 'SELECT');
    if (!locked || !seen) throw protocolError(this.#doing, 'fewer answers than statements');
    const [[fingerprint] = []] = seen.rows as TextRow[];
    return shapeText(locked.fields, fingerprint);
  }

  /**
   * Rows of COPY .. TO STDOUT in parts within the limits, in one transaction with a check of their shape: ShapeDiffers is thrown before
   * any row. The object is locked first, so that it stays unchanged until the last row. While nobody requests the next part, the server
   * is paused. If the caller stops early or the signal fires, the connection is closed; open another session then.
   */
  async *copyOut(
    sql: string,
    format: CopyFormat,
    expected: ExpectedShape,
    signal: AbortSignal,
  ): AsyncGenerator<FramePart, void> {
    signal.throwIfAborted();
    const text = readingShaped(expected.query, sql);
    const copy = this.#client.query(new CopyOut(text, format.limits, format.isBinary));
    this.#running += 1;
    const stop = onAbort(signal, () => this.cut());
    const heard = this.#awaitAnswer((error) => copy.handleError(error), this.#silenceMs);
    const differs = () => copy.shape !== undefined && copy.shape !== expected.text;
    try {
      for await (const part of copy.parts()) {
        if (differs()) throw new ShapeDiffers();
        yield part;
      }
      if (differs()) throw new ShapeDiffers();
    } catch (thrown) {
      signal.throwIfAborted();
      if (copy.isEnded) await this.rollBack();
      if (differs()) throw new ShapeDiffers();
      throw this.classified(thrown);
    } finally {
      stop();
      heard();
      this.#running -= 1;
      if (!copy.isEnded) this.cut();
    }
  }

  /** Returns the number of rows accepted. */
  async copyIn(sql: string, body: CopyBody): Promise<number> {
    return await this.#use(this.#client.query(new CopyIn(sql, body)).done);
  }

  /** Runs `body` and classifies its error. If the signal fires, the connection is closed and the signal's reason is thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.abortable(body, signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      throw this.classified(thrown);
    }
  }

  /** Like guard, but driver errors are thrown as they are. */
  async abortable<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const stop = signal ? onAbort(signal, () => this.cut()) : () => {};
    try {
      return await body();
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    } finally {
      stop();
    }
  }

  /** Ends a transaction that may be open or failed. If the connection is lost, the server has already rolled back. */
  async rollBack(): Promise<void> {
    if (this.isLost) return;
    await this.#use(this.#client.query('ROLLBACK'), shortSilenceMs).catch(() => this.cut());
  }

  classified(thrown: unknown): IdraError {
    return classifyAs(this.#name === readerName ? 'reader' : 'writer', thrown, this.#doing);
  }

  /** Closes the connection at once, without a termination message; the server rolls back what is open. */
  cut(why: Error = new Error('the connection was cut')): void {
    if (this.#isClosed) return;
    const reason = this.#lost ?? why;
    this.#destroy(reason);
    this.#lose(reason);
  }

  /** Resets the session to its state after opening, with a new name, so that an entry in a commit row does not refer to its later users. */
  async reset(): Promise<void> {
    lendings += 1;
    const name =
      this.#name === writerName ? [`SET application_name = ${literalText(`${writerName} ${lendings}`)}`] : [];
    const giveUp = setTimeout(() => this.cut(), farewellMs);
    try {
      await this.run([...discard, this.#setUpSql, ...name].join(';'));
    } finally {
      clearTimeout(giveUp);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#lost || (this.#giveBack && this.#running > 0)) {
      this.cut();
      this.#isClosed = true;
      return;
    }
    this.#isClosed = true;
    this.#lost = new Error('the connection was closed');
    this.#tellWaiting(this.#lost);
    if (this.#giveBack) {
      this.#unlisten();
      await this.#giveBack(true);
      return;
    }
    // An unreachable server does not acknowledge the close.
    const giveUp = setTimeout(() => this.#destroy(), farewellMs);
    await this.#client.end();
    clearTimeout(giveUp);
  }

  #destroy(reason = new Error('the connection was closed')): void {
    socketOf(this.#client).destroy(reason);
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#tellWaiting(error);
    if (!this.#giveBack) return;
    this.#unlisten();
    void this.#giveBack(false);
  }

  #tellWaiting(error: Error): void {
    for (const onLoss of this.#waiting) onLoss(error);
    this.#waiting.clear();
  }

  #unlisten(): void {
    this.#client.off('error', this.#onError);
    this.#client.off('end', this.#onEnd);
  }

  async #use<T>(work: Promise<T>, silenceMs = this.#silenceMs): Promise<T> {
    this.#running += 1;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const heard = this.#awaitAnswer(reject, silenceMs);
    try {
      work.then(resolve, reject);
      return await promise;
    } finally {
      heard();
      this.#running -= 1;
    }
  }

  /** Until the returned function is called, `reject` is called if the connection is lost; a connection that falls silent counts as lost. */
  #awaitAnswer(reject: (error: Error) => void, silenceMs: number): () => void {
    const limits = { where: this.#doing, limitMs: silenceMs, probe: this.#probe };
    const heard = watchSilence(socketOf(this.#client), limits, (error) => this.cut(error));
    const onLoss = (error: Error) => {
      heard();
      reject(error);
    };
    this.#waiting.add(onLoss);
    return () => {
      heard();
      this.#waiting.delete(onLoss);
    };
  }
}

function onAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
