import { connect as connectSocket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { BatchLimits } from '../../core/batch.ts';
import type { PooledSession, SystemAccess } from '../../core/connector.ts';
import { type IdraError, permanent } from '../../core/errors.ts';
import { sessionKey } from '../sql/session-pool.ts';
import { type PostgresConfig, readConfig } from './config.ts';
import { type CopyBody, CopyIn, CopyOut } from './copy.ts';
import { classify } from './errors.ts';
import type { FramePart } from './frames.ts';
import { literalText } from './literals.ts';

/** Readers never hold back the bound of late rows: bound.ts leaves out sessions of this name. */
export const readerName = 'idra-reader';
export const writerName = 'idra-writer';

const connectTimeoutMs = 10_000;
const keepAliveMs = 30_000;
const farewellMs = 2_000;

/** Values are told and taken exactly, whatever the server's defaults are. */
const settings = [
  "SET client_encoding = 'UTF8'",
  "SET TimeZone = 'UTC'",
  "SET DateStyle = 'ISO, YMD'",
  "SET IntervalStyle = 'iso_8601'",
  'SET extra_float_digits = 3',
  "SET bytea_output = 'hex'",
  "SET xmloption = 'content'",
  'SET standard_conforming_strings = on',
  'SET statement_timeout = 0',
  'SET jit = off',
  'SET max_parallel_workers_per_gather = 0',
];
const readerSettings = ['SET default_transaction_read_only = on'];
/** A claim must get past an owner that stopped in the middle; the server ends such a one by itself, too. */
const writerSettings = ["SET idle_in_transaction_session_timeout = '60s'", "SET temp_buffers = '64MB'"];

export interface CopyFormat {
  readonly limits: BatchLimits;
  readonly isBinary: boolean;
}

export type TextRow = readonly (string | null)[];

/**
 * Undoes whatever the last user of a pooled session has left, as DISCARD ALL does, which cannot stand in one message with the settings
 * that follow it.
 */
const discard = [
  'ROLLBACK',
  'CLOSE ALL',
  'SET SESSION AUTHORIZATION DEFAULT',
  'RESET ALL',
  'DEALLOCATE ALL',
  'UNLISTEN *',
  'SELECT pg_advisory_unlock_all()',
  'DISCARD PLANS',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
];
let lendings = 0;

/** One connection. Results are texts, as the server writes them. */
export class Session implements PooledSession {
  readonly #client: pg.Client;
  readonly #doing: string;
  readonly #setUpSql: string;
  #lost: Error | undefined;
  #running = 0;
  #isClosed = false;
  /** Of one that was lent. */
  #giveBack: ((isUsable: boolean) => Promise<void>) | undefined;

  private constructor(client: pg.Client, doing: string, setUpSql: string) {
    this.#client = client;
    this.#doing = doing;
    this.#setUpSql = setUpSql;
    client.on('error', this.#onError);
    client.on('end', this.#onEnd);
  }

  readonly #onError = (error: Error): void => this.#lose(error);
  readonly #onEnd = (): void => this.#lose(new Error('the connection has ended'));

  static async open(
    access: SystemAccess,
    name: typeof readerName | typeof writerName,
    signal: AbortSignal,
  ): Promise<Session> {
    const open = (opening: AbortSignal) => Session.#openNew(access, name, opening);
    if (!access.sessions) return await open(signal);
    const { host, port } = readConfig(access);
    const key = sessionKey(access, `PostgreSQL ${host}:${port}`, name);
    const { session, giveBack } = await access.sessions.lend(key, open, signal);
    const lent = new Session(session.#client, session.#doing, session.#setUpSql);
    lent.#giveBack = giveBack;
    return lent;
  }

  static async #openNew(
    access: SystemAccess,
    name: typeof readerName | typeof writerName,
    signal: AbortSignal,
  ): Promise<Session> {
    signal.throwIfAborted();
    const config = readConfig(access);
    const doing = `PostgreSQL ${config.host}:${config.port}/${config.database} (${access.dataSource})`;
    const client = new pg.Client({
      host: config.host,
      port: config.port,
      database: config.database,
      user: config.user,
      // Never undefined: the driver would look into the environment and the home folder.
      password: access.secret('password')?.reveal() ?? '',
      ssl: await tlsOptions(config, access),
      application_name: name,
      keepAlive: true,
      keepAliveInitialDelayMillis: seconds(config.parameters.keepalives_idle) ?? keepAliveMs,
      connectionTimeoutMillis: seconds(config.parameters.connect_timeout) ?? connectTimeoutMs,
      types: { getTypeParser: () => (text: string) => text },
    });
    const roleSettings = name === readerName ? readerSettings : writerSettings;
    const setUpSql = [...settings, ...roleSettings, ...parameterSettings(config)].join(';');
    const session = new Session(client, doing, setUpSql);
    // Not by end(): a connect that is under way would then never settle.
    const stop = onAbort(signal, () => session.cut());
    try {
      signal.throwIfAborted();
      await client.connect();
      await client.query(setUpSql);
      return session;
    } catch (thrown) {
      void client.end().catch(() => {});
      signal.throwIfAborted();
      throw classify(thrown, doing);
    } finally {
      stop();
    }
  }

  get pid(): number {
    return 'processID' in this.#client && typeof this.#client.processID === 'number'
      ? this.#client.processID
      : 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Rows of the last statement that gives any. Driver errors come as they are: callers decide by sqlState, then `fail`. */
  async run(sql: string): Promise<readonly TextRow[]> {
    const results = await this.runAll(sql);
    return results.findLast((each) => each.rows.length > 0)?.rows ?? [];
  }

  /** Every statement's rows and count. */
  async runAll(
    sql: string,
  ): Promise<readonly { readonly rows: readonly TextRow[]; readonly rowCount: number }[]> {
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await this.#use(
      this.#client.query({ text: sql, rowMode: 'array' }),
    );
    const results = Array.isArray(result) ? result : [result];
    return results.map((each) => ({ rows: each.rows as TextRow[], rowCount: each.rowCount ?? 0 }));
  }

  /** As `run`, with classified errors. */
  async query(sql: string, signal?: AbortSignal): Promise<readonly TextRow[]> {
    return await this.guard(() => this.run(sql), signal);
  }

  /** Names and types of a statement's columns. */
  async fields(sql: string): Promise<readonly pg.FieldDef[]> {
    return (await this.#use(this.#client.query({ text: sql, rowMode: 'array' }))).fields;
  }

  /**
   * Rows of COPY .. TO STDOUT in parts within the limits. While nobody asks for the next one, the server is held up. Left early, or
   * when the signal fires, the connection is cut: open another session then.
   */
  async *copyOut(sql: string, format: CopyFormat, signal: AbortSignal): AsyncGenerator<FramePart, void> {
    signal.throwIfAborted();
    const copy = this.#client.query(new CopyOut(sql, format.limits, format.isBinary));
    this.#running += 1;
    const stop = onAbort(signal, () => this.cut());
    try {
      yield* copy.parts();
    } catch (thrown) {
      signal.throwIfAborted();
      throw classify(thrown, this.#doing);
    } finally {
      stop();
      this.#running -= 1;
      if (!copy.isEnded) this.cut();
    }
  }

  /** Rows taken. */
  async copyIn(sql: string, body: CopyBody): Promise<number> {
    return await this.#use(this.#client.query(new CopyIn(sql, body)).done);
  }

  /** Runs `body`; its error is classified, and when the signal fires the connection is cut and the signal's reason thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.abortable(body, signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      throw this.classified(thrown);
    }
  }

  /** As guard, with the driver's errors as they are. */
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

  /** Ends a transaction that may be open or failed; without a connection the server has done it by itself. */
  async rollBack(): Promise<void> {
    if (!this.isLost) await this.run('ROLLBACK').catch(() => this.cut());
  }

  classified(thrown: unknown): IdraError {
    return classify(thrown, this.#doing);
  }

  /** At once, without a farewell: the server rolls back what is open. */
  cut(): void {
    if (this.#isClosed) return;
    const reason = this.#lost ?? new Error('the connection was cut');
    this.#destroy(reason);
    this.#lose(reason);
  }

  /** As after its opening. Its name is another one then: that a session is in a commit row says nothing of its later users. */
  async reset(): Promise<void> {
    lendings += 1;
    const isWriter = !this.#setUpSql.includes(readerSettings[0] ?? '');
    const name = isWriter ? [`SET application_name = ${literalText(`${writerName} ${lendings}`)}`] : [];
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
    if (this.#giveBack) {
      this.#unlisten();
      await this.#giveBack(true);
      return;
    }
    // A server that is out of reach does not say goodbye.
    const giveUp = setTimeout(() => this.#destroy(), farewellMs);
    await this.#client.end();
    clearTimeout(giveUp);
  }

  #destroy(reason = new Error('the connection was closed')): void {
    const { connection } = this.#client as pg.Client & { readonly connection: pg.Connection };
    connection.stream.destroy(reason);
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    if (!this.#giveBack) return;
    this.#unlisten();
    void this.#giveBack(false);
  }

  #unlisten(): void {
    this.#client.off('error', this.#onError);
    this.#client.off('end', this.#onEnd);
  }

  async #use<T>(work: Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work;
    } finally {
      this.#running -= 1;
    }
  }
}

function onAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function parameterSettings(config: PostgresConfig): string[] {
  const { role, search_path, work_mem } = config.parameters;
  return [
    ...(role === undefined ? [] : [`SET ROLE ${literalText(role)}`]),
    ...(search_path === undefined
      ? []
      : [`SELECT set_config('search_path', ${literalText(search_path)}, false)`]),
    ...(work_mem === undefined ? [] : [`SET work_mem = ${literalText(work_mem)}`]),
  ];
}

function seconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text) * 1000;
}

/** The modes as libpq defines them. */
async function tlsOptions(config: PostgresConfig, access: SystemAccess): Promise<false | ConnectionOptions> {
  const mode = config.tlsMode;
  if (mode === 'Disable') return false;
  const isOffered = await offersTls(config);
  if (mode === 'Prefer' && !isOffered) return false;
  if (isOffered === false) {
    throw permanent(
      'TlsNotOffered',
      `PostgreSQL ${config.host}:${config.port} (${access.dataSource}) offers no TLS`,
      {
        path: 'spec.postgres.tls.mode',
        mend: 'turn on ssl at the server, or set tls.mode to Prefer or Disable',
      },
    );
  }
  const [ca, cert, key] = ['tls.ca', 'tls.cert', 'tls.key'].map((path) => access.secret(path)?.reveal());
  const isVerified = mode === 'VerifyCA' || mode === 'VerifyFull' || (mode === 'Require' && ca !== undefined);
  return {
    rejectUnauthorized: isVerified,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(mode !== 'VerifyFull' && { checkServerIdentity: () => undefined }),
  };
}

/**
 * PostgreSQL's SSLRequest, asked beforehand: the driver cannot go on in plain text on a refusal. Undefined: the server is not reached,
 * which has its own error later.
 */
async function offersTls(config: PostgresConfig): Promise<boolean | undefined> {
  return await new Promise((resolve) => {
    const socket = connectSocket(config.port, config.host);
    const finish = (offers: boolean | undefined) => {
      socket.destroy();
      resolve(offers);
    };
    socket.setTimeout(connectTimeoutMs, () => finish(undefined));
    socket.once('connect', () => socket.write(Buffer.from('0000000804d2162f', 'hex')));
    socket.once('data', (answer) => finish(answer[0] === 0x53));
    socket.once('error', () => finish(undefined));
  });
}
