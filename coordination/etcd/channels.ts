import './quiet-grpc.ts';
import { Etcd3, type IOptions } from 'etcd3';
import type { EtcdConfig } from '../config.ts';
import { type EtcdCredentials, isSameCredentials, readCredentials } from './credentials.ts';

export const defaultTimeoutMs = 3_000;
const maxMessageBytes = 256 << 20;
/** Certificates are replaced long before they expire, so a slow check is enough. */
const checkEveryMs = 10_000;
/** Also checked after a failure, which may be caused by a replaced certificate. */
const checkAtMostEveryMs = 1_000;
/** Longer than any call takes. Watches on a replaced channel continue for this long. */
const retiredAfterMs = 15_000;

/**
 * One etcd client per endpoint, recreated when the files of the configuration change. Leases, locks and watched revisions belong to etcd
 * and not to a connection, so they continue over the new client.
 */
export class EtcdChannels {
  readonly #config: EtcdConfig;
  readonly #retiredAfterMs: number;
  readonly #onRetired: (client: Etcd3) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #retired = new Map<Etcd3, NodeJS.Timeout>();
  #credentials: EtcdCredentials;
  #clients: readonly Etcd3[];
  #checkedMs = Number.NEGATIVE_INFINITY;
  #madeMs = performance.now();

  /** `onRetired` must make everybody stop using the client; it is closed after the callback returns. */
  constructor(config: EtcdConfig, onRetired: (client: Etcd3) => void, pace: EtcdChannelPace = {}) {
    this.#config = config;
    this.#onRetired = onRetired;
    this.#retiredAfterMs = pace.retiredAfterMs ?? retiredAfterMs;
    this.#credentials = readCredentials(config);
    this.#clients = this.#make();
    this.#timer = setInterval(() => this.checkFiles(), pace.checkEveryMs ?? checkEveryMs).unref();
  }

  get(index: number): Etcd3 {
    const client = this.#clients[index];
    if (client === undefined) throw new RangeError(`no endpoint ${index}`);
    return client;
  }

  get user(): string | undefined {
    return this.#credentials.user;
  }

  /** A file that is missing, or temporarily does not match the others, is checked again later. */
  checkFiles(): void {
    const nowMs = performance.now();
    if (nowMs - this.#checkedMs < checkAtMostEveryMs) return;
    this.#checkedMs = nowMs;
    let credentials: EtcdCredentials;
    try {
      credentials = readCredentials(this.#config);
    } catch {
      return;
    }
    if (isSameCredentials(credentials, this.#credentials)) return;
    this.#credentials = credentials;
    this.#replace();
  }

  /** etcd no longer knows the token of this process: the next call requests another one with user and password. */
  authenticateAgain(): void {
    if (this.#config.user === undefined || performance.now() - this.#madeMs < checkAtMostEveryMs) return;
    this.#replace();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const [client, timer] of this.#retired) {
      clearTimeout(timer);
      client.close();
    }
    for (const client of this.#clients) client.close();
  }

  #replace(): void {
    const old = this.#clients;
    this.#clients = this.#make();
    for (const client of old) {
      const retire = () => {
        this.#retired.delete(client);
        this.#onRetired(client);
        client.close();
      };
      this.#retired.set(client, setTimeout(retire, this.#retiredAfterMs).unref());
    }
  }

  #make(): readonly Etcd3[] {
    this.#madeMs = performance.now();
    return this.#config.endpoints.map((hosts) => openEtcd3(hosts, this.#credentials.options));
  }
}

/** For tests. */
export interface EtcdChannelPace {
  readonly checkEveryMs?: number;
  readonly retiredAfterMs?: number;
}

/** etcd3 without its retries and circuit breakers, which would repeat a write whose answer was lost. */
export function openEtcd3(hosts: string, credentials: EtcdCredentials['options']): Etcd3 {
  return new Etcd3({ ...transportOptions(), ...credentials, hosts });
}

function transportOptions(): Omit<IOptions, 'hosts'> {
  const asIs = {
    execute: async <T>(fn: (context: { signal: AbortSignal }) => T) => await fn({ signal: never }),
  };
  const policy = asIs as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>;
  return {
    faultHandling: { global: policy, host: () => policy },
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + defaultTimeoutMs }),
    grpcOptions: {
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      // Detects a connection that went silent; etcd allows one ping per 5 s.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
  };
}

const never = new AbortController().signal;
