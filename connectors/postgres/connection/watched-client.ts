import type pg from 'pg';
import { type SilenceLimits, watchSilence } from '../../sql/connection/silence.ts';
import { socketOf } from './guarded-connection.ts';
import { lastRows, type TextRow } from './statements.ts';

export const farewellMs = 2_000;

type OnLoss = (error: Error) => void;

/**
 * A client of the driver, whose callers are notified at once when the connection ends, is cut or falls silent. The driver itself does not
 * notify all of them, and does not notice silence.
 */
export class WatchedClient {
  readonly #client: pg.Client;
  readonly #limits: SilenceLimits;
  readonly #listeners = new Set<OnLoss>();
  #running = 0;
  #lost: Error | undefined;

  constructor(client: pg.Client, limits: SilenceLimits) {
    this.#client = client;
    this.#limits = limits;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection has ended')));
  }

  get pid(): number {
    return 'processID' in this.#client && typeof this.#client.processID === 'number'
      ? this.#client.processID
      : 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether a caller waits for the server. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /** Rows of the last statement that returns any. Driver errors are thrown as they are. */
  async run(sql: string): Promise<readonly TextRow[]> {
    return lastRows(await this.results(sql));
  }

  async results(sql: string, silenceMs?: number): Promise<readonly pg.QueryArrayResult[]> {
    const query = { text: sql, rowMode: 'array' } as const;
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await this.use(
      this.#client.query(query),
      silenceMs,
    );
    return Array.isArray(result) ? result : [result];
  }

  /** Sends a query that is not the driver's own; wait for it with `use` or `awaitAnswer`. */
  submit<T extends pg.Submittable>(query: T): T {
    return this.#client.query(query);
  }

  async use<T>(work: Promise<T>, silenceMs?: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const done = this.awaitAnswer(reject, silenceMs);
    try {
      work.then(resolve, reject);
      return await promise;
    } finally {
      done();
    }
  }

  /** Until the returned function is called, `reject` is called if the connection is lost; a connection that falls silent counts as lost. */
  awaitAnswer(reject: OnLoss, silenceMs = this.#limits.limitMs): () => void {
    this.#running += 1;
    const limits = { ...this.#limits, limitMs: silenceMs };
    const heard = watchSilence(socketOf(this.#client), limits, (error) => this.cut(error));
    const onLoss = (error: Error) => {
      heard();
      reject(error);
    };
    this.#listeners.add(onLoss);
    return () => {
      heard();
      this.#listeners.delete(onLoss);
      this.#running -= 1;
    };
  }

  /** Calls the listener when the connection is lost, or now if it is lost already. Returns how to stop listening. */
  onLoss(listener: OnLoss): () => void {
    if (this.#lost) listener(this.#lost);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes the connection at once, without a termination message; the server rolls back what is open. */
  cut(why: Error = new Error('the connection was cut')): void {
    const reason = this.#lost ?? why;
    socketOf(this.#client).destroy(reason);
    this.#lose(reason);
  }

  async end(): Promise<void> {
    const reason = new Error('the connection was closed');
    this.#lose(reason);
    // An unreachable server does not acknowledge the close.
    const giveUp = setTimeout(() => socketOf(this.#client).destroy(reason), farewellMs);
    await this.#client.end();
    clearTimeout(giveUp);
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    for (const onLoss of this.#listeners) onLoss(error);
    this.#listeners.clear();
  }
}
