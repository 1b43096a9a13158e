import type { ClientSession, Collection, Db, Document, MongoClient } from 'mongodb';
import type { z } from 'zod';
import { onAbort } from '../../core/aborted.ts';
import type { SystemAccess, SystemIdentity } from '../../core/connector.ts';
import type { IdraError } from '../../core/errors.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { Lent, PooledSession } from '../../core/sessions.ts';
import type { PasswordRule } from '../sql/connection/password-rule.ts';
import { readConfig, withFieldInUse } from './config.ts';
import { type OpenedClient, openClient, readerName, type SessionName } from './connection/open.ts';
import type { ServerFacts } from './connection/server-facts.ts';
import { classify } from './errors.ts';

/** Limit for statements that are small on every server. */
export const shortMs = 15_000;
/** Limit for statements that may read or sort a large collection. */
export const longMs = 10 * 60_000;
const farewellMs = 2_000;

/** One client of the driver, with one connection to the server that it uses and one to each that it watches. */
export class Session implements PooledSession {
  readonly #opened: OpenedClient;
  /** Set for a session borrowed from the pool. */
  readonly #giveBack: Lent<Session>['giveBack'] | undefined;
  #isClosed = false;

  private constructor(opened: OpenedClient, giveBack?: Lent<Session>['giveBack']) {
    this.#opened = opened;
    this.#giveBack = giveBack;
  }

  static async open(access: SystemAccess, name: SessionName, signal: AbortSignal): Promise<Session> {
    const open = async (opening: AbortSignal) => new Session(await openClient(access, name, opening));
    if (!access.sessions) return await open(signal);
    const { hosts, replicaSet } = readConfig(access);
    const key = sessionKey(access, `MongoDB ${replicaSet ?? hosts.toSorted().join(',')}`, name);
    const { session, giveBack } = await access.sessions.lend(key, open, signal);
    return new Session(session.#opened, giveBack);
  }

  get facts(): ServerFacts {
    return this.#opened.facts;
  }

  get identity(): SystemIdentity {
    return this.facts.identity;
  }

  get rule(): PasswordRule {
    return this.#opened.rule;
  }

  get where(): string {
    return this.#opened.config.where;
  }

  get user(): string | undefined {
    return this.#opened.config.user;
  }

  get isLost(): boolean {
    return this.#isClosed || lost.has(this.#client);
  }

  get database(): Db {
    return this.#client.db(this.#opened.config.database);
  }

  get admin(): Db {
    return this.#client.db('admin');
  }

  /** Of the metadata of a sharded cluster. */
  config(name: string): Collection {
    return this.#client.db('config').collection(name);
  }

  get mechanism(): string | undefined {
    return this.#opened.config.mechanism;
  }

  /** The statement that gives the user what it needs. */
  grantFix(role: 'read' | 'readWrite'): string {
    const { user = 'USER', database } = this.#opened.config;
    return `db.grantRolesToUser(${JSON.stringify(user)}, [{ role: "${role}", db: ${JSON.stringify(database)} }])`;
  }

  collection(name: string): Collection {
    return this.database.collection(name);
  }

  startSession(): ClientSession {
    return this.#client.startSession();
  }

  /** Runs one command. Errors are thrown as IdraErrors. */
  async command(command: Document, signal?: AbortSignal): Promise<Document> {
    return await this.guard(() => this.database.command({ ...command, maxTimeMS: shortMs }), signal);
  }

  /** As `command`; an answer of another form is an error of the server. */
  async ask<T>(command: Document, form: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const limited = { ...command, maxTimeMS: shortMs };
    return await this.guard(async () => form.parse(await this.database.command(limited)), signal);
  }

  /** Runs `body` and classifies its error. If the signal fires, the connection is closed and the signal's reason is thrown. */
  async guard<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.#run(body, signal, (thrown) => this.classified(thrown));
  }

  /** Like guard, but driver errors are thrown as they are. */
  async abortable<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.#run(body, signal, (thrown) => thrown);
  }

  async #run<T>(
    body: () => Promise<T>,
    signal: AbortSignal | undefined,
    told: (thrown: unknown) => unknown,
  ): Promise<T> {
    signal?.throwIfAborted();
    const stop = signal && onAbort(signal, () => this.cut());
    return await Promise.resolve()
      .then(body)
      .catch((thrown: unknown) => {
        signal?.throwIfAborted();
        throw told(thrown);
      })
      .finally(() => stop?.());
  }

  classified(thrown: unknown): IdraError {
    const { config, refusal } = this.#opened;
    const error = withFieldInUse(config, refusal() ?? classify(thrown, this.where));
    if (error.code !== 'PermissionDenied') return error;
    const isReader = this.#opened.name === readerName;
    const path = isReader ? 'spec.source.dataSource' : 'spec.destination.dataSource';
    return error.with({ path, fix: this.grantFix(isReader ? 'read' : 'readWrite') });
  }

  /** Closes the connections at once; the server rolls back what is open. */
  cut(): void {
    lost.add(this.#client);
    void this.#client.close(true).catch(() => {});
  }

  /** Sessions of the driver belong to those who start them, and nothing else of one user remains. */
  async reset(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const isUsable = !this.isLost && this.#opened.refusal() === undefined;
    this.#isClosed = true;
    if (this.#giveBack) return await this.#giveBack(isUsable);
    if (!isUsable) return this.cut();
    const giveUp = setTimeout(() => this.cut(), farewellMs);
    try {
      await this.#client.close();
    } catch {
      this.cut();
    } finally {
      clearTimeout(giveUp);
    }
  }

  get #client(): MongoClient {
    return this.#opened.client;
  }
}

/** Clients that were closed: the driver would open new connections for the next statement. */
const lost = new WeakSet<MongoClient>();
