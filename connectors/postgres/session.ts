import type pg from 'pg';
import { onAbort } from '../../core/aborted.ts';
import type { SystemAccess, SystemIdentity } from '../../core/connector.ts';
import { protocolError } from '../../core/error-class.ts';
import type { IdraError } from '../../core/errors.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { Lent, PooledSession } from '../../core/sessions.ts';
import type { PasswordRule } from '../sql/connection/password-rule.ts';
import { shortSilenceMs } from '../sql/connection/silence.ts';
import { readConfig } from './config.ts';
import { type CopyBody, type CopyFormat, CopyIn, CopyOut, ShapeDiffers } from './connection/copy.ts';
import type { FramePart } from './connection/frames.ts';
import {
  type OpenedClient,
  openClient,
  readerName,
  type SessionName,
  writerName,
} from './connection/open.ts';
import { type ExpectedShape, readingShaped, type ShapeQuery } from './connection/read-only.ts';
import { discard } from './connection/settings.ts';
import { lastRows, ParseOnly, type StatementRunner, type TextRow } from './connection/statements.ts';
import { farewellMs, type WatchedClient } from './connection/watched-client.ts';
import { classifyAs } from './errors.ts';
import { shapeText } from './fingerprint.ts';
import { literalText } from './types/literals.ts';

let lendings = 0;

/** One connection. Results are texts, as the server writes them. */
export class Session implements PooledSession, StatementRunner {
  readonly #opened: OpenedClient;
  readonly #client: WatchedClient;
  /** Set for a session borrowed from the pool. */
  readonly #giveBack: Lent<Session>['giveBack'] | undefined;
  readonly #unlisten: () => void;
  #isClosed = false;

  private constructor(opened: OpenedClient, giveBack?: Lent<Session>['giveBack']) {
    this.#opened = opened;
    this.#client = opened.client;
    this.#giveBack = giveBack;
    this.#unlisten = giveBack ? opened.client.onLoss(() => void giveBack(false)) : () => {};
  }

  static async open(access: SystemAccess, name: SessionName, signal: AbortSignal): Promise<Session> {
    const open = async (opening: AbortSignal) => new Session(await openClient(access, name, opening));
    if (!access.sessions) return await open(signal);
    const { host, port } = readConfig(access);
    const key = sessionKey(access, `PostgreSQL ${host}:${port}`, name);
    const { session, giveBack } = await access.sessions.lend(key, open, signal);
    return new Session(session.#opened, giveBack);
  }

  /** Empty if this user may not query it. */
  get identity(): SystemIdentity {
    return this.#opened.identity;
  }

  /** The password rule of its login. */
  get rule(): PasswordRule {
    return this.#opened.rule;
  }

  get pid(): number {
    return this.#client.pid;
  }

  get isLost(): boolean {
    return this.#isClosed || this.#client.isLost;
  }

  /** Rows of the last statement that returns any. Driver errors are thrown as they are: callers decide by sqlState, then `classified`. */
  async run(sql: string): Promise<readonly TextRow[]> {
    return lastRows(await this.results(sql));
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
    return await this.#client.results(sql);
  }

  /** Throws unless the text is one statement; nothing of it runs. */
  async parse(text: string): Promise<void> {
    await this.#client.use(this.#client.submit(new ParseOnly(text)).done);
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
    if (!locked || !seen) throw protocolError(this.#opened.where, 'fewer answers than statements');
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
    const copy = this.#client.submit(new CopyOut(readingShaped(expected.query, sql), format));
    const stop = onAbort(signal, () => this.cut());
    const done = this.#client.awaitAnswer((error) => copy.handleError(error));
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
      done();
      if (!copy.isEnded) this.cut();
    }
  }

  /** Returns the number of rows accepted. */
  async copyIn(sql: string, body: CopyBody): Promise<number> {
    return await this.#client.use(this.#client.submit(new CopyIn(sql, body)).done);
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
    await this.#client.results('ROLLBACK', shortSilenceMs).catch(() => this.cut());
  }

  classified(thrown: unknown): IdraError {
    const { name, where } = this.#opened;
    return classifyAs(name === readerName ? 'reader' : 'writer', thrown, where);
  }

  /** Closes the connection at once, without a termination message; the server rolls back what is open. */
  cut(why?: Error): void {
    if (!this.#isClosed) this.#client.cut(why);
  }

  /** Resets the session to its state after opening, with a new name, so that an entry in a commit row does not refer to its later users. */
  async reset(): Promise<void> {
    lendings += 1;
    const { name, setUpSql } = this.#opened;
    const renamed = literalText(`${writerName} ${lendings}`);
    const rename = name === writerName ? [`SET application_name = ${renamed}`] : [];
    const giveUp = setTimeout(() => this.cut(), farewellMs);
    try {
      await this.run([...discard, setUpSql, ...rename].join(';'));
    } finally {
      clearTimeout(giveUp);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.isLost || (this.#giveBack && this.#client.isBusy)) {
      this.cut();
      this.#isClosed = true;
      return;
    }
    this.#isClosed = true;
    if (!this.#giveBack) {
      await this.#client.end();
      return;
    }
    this.#unlisten();
    await this.#giveBack(true);
  }
}
