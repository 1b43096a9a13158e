import { setTimeout as pause } from 'node:timers/promises';
import type { SystemAccess } from '../../core/connector.ts';
import { asIdraError, IdraError, transient } from '../../core/errors.ts';
import type { PooledSession } from '../../core/sessions.ts';
import { type Address, addressOf, placeOf, readConfig } from './config.ts';
import { type AskOptions, BrokerConnection } from './connection/open.ts';
import { type Api, type Broker, findCoordinator, type Metadata, metadata } from './connection/requests.ts';
import { BrokerError, isCoordinatorError, isLeaderError, toIdraError } from './errors.ts';

/** A fetch waits at the broker, which answers one request of a connection after the other. */
export type Lane = 'control' | 'fetch';

export interface Retrying {
  readonly signal: AbortSignal;
  /** In which errors of brokers may be retried; after it the last one is thrown. */
  readonly forMs?: number;
}

const retryForMs = 30_000;
const firstDelayMs = 20;
const maxDelayMs = 500;
const unavailable = ['ConnectionLost', 'HostUnreachable', 'ServerSilent'];

/** The connections to one cluster: opened when they are needed, and forgotten when they fail. */
export class KafkaSession implements PooledSession {
  readonly where: string;
  readonly #access: SystemAccess;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  #brokers: readonly Broker[] = [];
  #isClosed = false;
  #next = 0;

  private constructor(access: SystemAccess) {
    this.#access = access;
    this.where = placeOf(access);
  }

  static async open(access: SystemAccess, signal: AbortSignal): Promise<KafkaSession> {
    const session = new KafkaSession(access);
    await session.metadata([], { signal, forMs: 0 });
    return session;
  }

  get isLost(): boolean {
    return this.#isClosed;
  }

  async reset(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true;
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    for (const opening of connections) opening.then((each) => each.cut()).catch(() => {});
  }

  /** Asks any broker; `topics` null: about all. */
  async metadata(
    topics: readonly string[] | null,
    options: Retrying & { readonly withOperations?: boolean },
  ): Promise<Metadata> {
    const request = { topics, withOperations: options.withOperations === true };
    const found = await this.retried(options, () => this.askAny(metadata, request, options));
    this.#brokers = found.brokers;
    return found;
  }

  /** Of the address by which brokers know each other. */
  async ask<Request, Answer>(
    node: number,
    lane: Lane,
    api: Api<Request, Answer>,
    request: Request,
    options: AskOptions,
  ): Promise<Answer> {
    const broker = this.#brokers.find((each) => each.node === node);
    if (!broker) throw new BrokerError(5);
    return await (await this.#connection(broker, lane, options.signal)).ask(api, request, options);
  }

  /** Known brokers in turn, then those of the config. Fails if all fail. */
  async askAny<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    options: AskOptions,
  ): Promise<Answer> {
    const connection = await this.anyConnection(options.signal);
    return await connection.ask(api, request, options);
  }

  async anyConnection(signal: AbortSignal): Promise<BrokerConnection> {
    const addresses: Address[] = [...readConfig(this.#access).brokers.map(addressOf), ...this.#brokers];
    let last: unknown;
    for (let tried = 0; tried < addresses.length; tried++) {
      const address = addresses[this.#next % addresses.length] as Address;
      try {
        return await this.#connection(address, 'control', signal);
      } catch (thrown) {
        signal.throwIfAborted();
        if (!isUnavailable(thrown)) throw thrown;
        last ??= thrown;
        this.#next += 1;
      }
    }
    throw last;
  }

  async coordinator(kind: 'group' | 'transaction', key: string, options: Retrying): Promise<number> {
    return await this.retried(options, async () => {
      const found = await this.askAny(findCoordinator, { key, kind }, options);
      if (found.error !== 0) throw new BrokerError(found.error);
      if (!this.#brokers.some((each) => each.node === found.node)) this.#brokers = [...this.#brokers, found];
      return found.node;
    });
  }

  /** Repeats what fails because leaders, coordinators or connections change, with growing pauses. */
  async retried<T>({ signal, forMs = retryForMs }: Retrying, body: () => Promise<T>): Promise<T> {
    const untilMs = performance.now() + forMs;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, maxDelayMs)) {
      try {
        return await body();
      } catch (thrown) {
        signal.throwIfAborted();
        if (this.#isClosed) throw transient('ConnectionLost', `${this.where}: the session was closed`);
        if (!isPassing(thrown) || performance.now() + delayMs > untilMs) throw this.error(thrown);
        await pause(delayMs, undefined, { signal });
      }
    }
  }

  error(thrown: unknown, what?: string): IdraError {
    return toIdraError(thrown, what === undefined ? this.where : `${this.where}: ${what}`);
  }

  /** The command that gives the user of the DataSource a right. */
  grant(operation: string, kind: 'topic' | 'group' | 'transactional-id' | 'cluster', name?: string): string {
    const { brokers, sasl } = readConfig(this.#access);
    const user = sasl?.user ?? (sasl ? 'PRINCIPAL' : 'ANONYMOUS');
    const object = name === undefined ? `--${kind}` : `--${kind} ${quoted(name)}`;
    return `kafka-acls --bootstrap-server ${brokers[0]} --add --allow-principal ${quoted(`User:${user}`)} --operation ${operation} ${object}`;
  }

  async #connection({ host, port }: Address, lane: Lane, signal: AbortSignal): Promise<BrokerConnection> {
    const key = `${host}:${port}/${lane}`;
    const known = this.#connections.get(key);
    if (known) {
      const connection = await known.catch(() => undefined);
      if (connection && !connection.isLost) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      return await this.#connection({ host, port }, lane, signal);
    }
    if (this.#isClosed) throw transient('ConnectionLost', `${this.where}: the session was closed`);
    const opening = BrokerConnection.open(this.#access, { host, port }, signal);
    this.#connections.set(key, opening);
    try {
      return await opening;
    } catch (thrown) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
      throw thrown;
    }
  }
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w.:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof IdraError && unavailable.includes(thrown.code);
}

/** The same request may succeed a moment later. */
function isPassing(thrown: unknown): boolean {
  const cause = thrown instanceof IdraError ? thrown.cause : thrown;
  if (cause instanceof BrokerError) return isLeaderError(cause.error) || isCoordinatorError(cause.error);
  return isUnavailable(thrown) || asIdraError(thrown).code === 'SystemTimeout';
}
