import { createRequire } from 'node:module';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onAbort } from '../../../core/aborted.ts';
import { answerMemory } from '../../../core/answer-memory.ts';
import type { SystemAccess } from '../../../core/connector.ts';
import { protocolError } from '../../../core/error-class.ts';
import { IdraError, permanent, transient } from '../../../core/errors.ts';
import { namespaceOf } from '../../../core/sync-spec.ts';
import { guardSocket } from '../../sql/connection/guarded-socket.ts';
import { type Address, readConfig, tlsOptions } from '../config.ts';
import { toIdraError } from '../errors.ts';
import { saslOptions } from './authentication.ts';
import { FrameGuard } from './message-limits.ts';
import { type Api, type ApiVersion, apiVersions } from './requests.ts';
import { WireReader, WireWriter } from './wire.ts';

const require = createRequire(import.meta.url);

/** What is used of the driver's connection: frames, correlation of answers, and logins. */
interface Driver {
  connect(): Promise<unknown>;
  authenticate(): Promise<void>;
  isAuthenticated(): boolean;
  setVersions(versions: object): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  nextCorrelationId(): number;
  rejectRequests(error: unknown): void;
  readonly requestQueue: DriverQueue;
}

interface DriverQueue {
  push(request: {
    readonly entry: object;
    readonly expectResponse: true;
    readonly requestTimeout: null;
    readonly sendRequest: () => void;
  }): void;
  destroy(): void;
}

interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly onConnect: () => void;
}

const DriverConnection = require('kafkajs/src/network/connection') as new (options: object) => Driver;

const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent };
const connectTimeoutMs = 10_000;
/** Of what a request asks the broker to wait for, in addition. */
export const answerTimeoutMs = 30_000;
const clientId = 'idra';

export interface AskOptions {
  readonly signal: AbortSignal;
  /** How long the broker may wait before it answers, at most. */
  readonly waitMs?: number;
  /** Bytes of the answer that the caller has acquired. */
  readonly acquiredBytes?: number;
}

/** One connection to one broker. After a failure of any request it is lost. */
export class BrokerConnection {
  readonly where: string;
  #driver: Driver | undefined;
  #socket: Socket | undefined;
  #lost: IdraError | undefined;
  #acquiredBytes = 0;
  /** Requests whose answers have not begun. */
  #awaited = 0;
  #hasLogin = false;
  #isLoggingIn = false;
  #versions: ReadonlyMap<number, ApiVersion> = new Map();
  readonly #opened = Promise.withResolvers<never>();

  private constructor(where: string) {
    this.where = where;
    this.#opened.promise.catch(() => {});
  }

  /** With tls.mode Prefer a broker that does not speak TLS is used without. */
  static async open(access: SystemAccess, address: Address, signal: AbortSignal): Promise<BrokerConnection> {
    const { mode } = readConfig(access).tls;
    if (mode !== 'Prefer') return await BrokerConnection.#open(access, address, mode !== 'Disable', signal);
    try {
      return await BrokerConnection.#open(access, address, true, signal);
    } catch (thrown) {
      if (!(thrown instanceof IdraError) || thrown.code !== 'ConnectionLost' || signal.aborted) throw thrown;
      return await BrokerConnection.#open(access, address, false, signal);
    }
  }

  static async #open(
    access: SystemAccess,
    address: Address,
    isTls: boolean,
    signal: AbortSignal,
  ): Promise<BrokerConnection> {
    signal.throwIfAborted();
    const where = `Kafka ${address.host}:${address.port} (${access.dataSource})`;
    const connection = new BrokerConnection(where);
    const stop = onAbort(signal, () => connection.cut(signal.reason));
    const late = setTimeout(() => connection.cut(connection.#noAnswer()), connectTimeoutMs);
    try {
      await Promise.race([connection.#connect(access, address, isTls, signal), connection.#opened.promise]);
      return connection;
    } catch (thrown) {
      connection.cut();
      signal.throwIfAborted();
      throw toIdraError(thrown, where);
    } finally {
      clearTimeout(late);
      stop();
    }
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  async #connect(access: SystemAccess, address: Address, isTls: boolean, signal: AbortSignal): Promise<void> {
    const sasl = saslOptions(access, { host: address.host, isTls, where: this.where }, signal);
    const tls = isTls ? tlsOptions(readConfig(access).tls.mode, access, 'tls', address.host) : undefined;
    const driver = new DriverConnection({
      ...address,
      ...(sasl && { sasl }),
      clientId,
      logger: silent,
      requestTimeout: answerTimeoutMs,
      // Idra has deadlines of its own; the driver would look at each connection ten times a second.
      enforceRequestTimeout: false,
      connectionTimeout: connectTimeoutMs,
      socketFactory: ({ host, port, onConnect }: SocketRequest) => {
        const socket = tls
          ? connectTls({ host, port, ...tls }, onConnect)
          : connectPlain({ host, port }, onConnect);
        return this.#watch(socket, access);
      },
    });
    this.#driver = driver;
    this.#hasLogin = sasl !== undefined;
    await driver.connect();
    const { error, versions } = await this.ask(apiVersions, null, { signal });
    if (error !== 0) throw permanent('ServerTooOld', `${this.where}: the broker does not list its versions`);
    this.#versions = new Map(versions.map((each) => [each.key, each]));
    const known = versions.map(({ key, min, max }) => [key, { minVersion: min, maxVersion: max }]);
    driver.setVersions(Object.fromEntries(known));
    driver.setSupportAuthenticationProtocol(true);
    await this.#logIn(driver);
  }

  #watch(socket: Socket, access: SystemAccess): Socket {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    const end = (error: IdraError) => this.cut(error);
    const share = answerMemory.shareOf({
      namespace: namespaceOf(access.dataSource),
      where: this.where,
      end,
    });
    const guard = new FrameGuard({
      share,
      acquired: () => this.#acquiredBytes,
      isExpected: () => this.#isLoggingIn || this.#awaited-- > 0,
    });
    guardSocket(socket, { where: this.where, inspect: (chunk) => guard.inspect(chunk) });
    // Before the driver, which would report every error as a lost connection.
    socket.on('error', (error) => this.cut(toIdraError(error, this.where)));
    socket.once('close', () => {
      share.release();
      this.cut(this.#closed());
    });
    socket.once('end', () => this.cut(this.#closed()));
    return socket;
  }

  /** The driver asks by itself. */
  async #logIn(driver: Driver): Promise<void> {
    if (!this.#hasLogin || driver.isAuthenticated()) return;
    this.#isLoggingIn = true;
    try {
      await driver.authenticate();
    } finally {
      this.#isLoggingIn = false;
    }
  }

  supports(key: number): boolean {
    return this.#versions.has(key);
  }

  /** Throws ServerTooOld if the broker has none of the versions that Idra speaks. */
  versionOf({ key, name, versions }: Pick<Api<never, unknown>, 'key' | 'name' | 'versions'>): number {
    if (key === apiVersions.key) return 0;
    const offered = this.#versions.get(key);
    const version = versions.findLast((each) => offered && each >= offered.min && each <= offered.max);
    if (version !== undefined) return version;
    throw permanent('ServerTooOld', `${this.where}: the broker has no version of ${name} that Idra knows`, {
      path: 'spec.kafka.brokers',
      fix: 'use Kafka 2.5 or newer',
    });
  }

  async ask<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    { signal, waitMs = 0, acquiredBytes = 0 }: AskOptions,
  ): Promise<Answer> {
    signal.throwIfAborted();
    if (this.#lost) throw this.#lost;
    const version = this.versionOf(api);
    const isFlexible = api.flexibleFrom !== undefined && version >= api.flexibleFrom;
    const stop = onAbort(signal, () => this.cut(signal.reason));
    const late = setTimeout(() => this.cut(this.#noAnswer()), waitMs + answerTimeoutMs);
    try {
      const driver = this.#driver as Driver;
      // A login may end with its token.
      if (api.key !== apiVersions.key) await this.#logIn(driver);
      const writer = new WireWriter();
      api.write(writer.tags(isFlexible), request, version);
      this.#acquiredBytes = acquiredBytes;
      const answer = await this.#send(driver, api.key, version, writer.written);
      const reader = new WireReader(answer);
      reader.tags(isFlexible);
      return this.#decoded(() => api.read(reader, version));
    } catch (thrown) {
      signal.throwIfAborted();
      throw toIdraError(this.#lost ?? thrown, this.where);
    } finally {
      clearTimeout(late);
      stop();
    }
  }

  /** The driver's own way of sending copies each request twice. */
  #send(driver: Driver, key: number, version: number, body: Buffer): Promise<Buffer> {
    const correlationId = driver.nextCorrelationId();
    const head = new WireWriter(64);
    head
      .int32(10 + clientId.length + body.length)
      .int16(key)
      .int16(version)
      .int32(correlationId);
    head.string(clientId);
    return new Promise((resolve, reject) => {
      const done = ({ payload }: { readonly payload: Buffer }) => resolve(payload);
      const entry = { apiKey: key, apiVersion: version, apiName: String(key), correlationId, reject };
      driver.requestQueue.push({
        entry: { ...entry, resolve: done },
        expectResponse: true,
        requestTimeout: null,
        sendRequest: () => {
          this.#awaited += 1;
          this.#socket?.cork();
          this.#socket?.write(head.written);
          this.#socket?.write(body);
          this.#socket?.uncork();
        },
      });
    });
  }

  #decoded<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      const error = protocolError(this.where, thrown);
      this.cut(error);
      throw error;
    }
  }

  /** Closes the connection at once; everybody who waits on it gets the error. */
  cut(why: unknown = this.#closed()): void {
    if (this.#lost) return;
    this.#lost = why instanceof IdraError ? why : this.#closed();
    this.#socket?.destroy();
    this.#opened.reject(this.#lost);
    const driver = this.#driver;
    if (!driver) return;
    driver.rejectRequests(this.#lost);
    driver.requestQueue.destroy();
  }

  #closed(): IdraError {
    return transient('ConnectionLost', `${this.where}: the connection was closed`);
  }

  #noAnswer(): IdraError {
    const isConnected = this.#socket !== undefined && !this.#socket.connecting;
    const code = isConnected ? 'ServerSilent' : 'HostUnreachable';
    return transient(code, `${this.where}: the broker has not answered in time`, {
      path: 'spec.kafka.brokers',
      fix: 'check that the broker is running, not overloaded, and reached from here',
    });
  }
}
