import './quiet-grpc.ts';
import { readFileSync } from 'node:fs';
import { Etcd3, type IOptions } from 'etcd3';
import { permanent, transient } from '../core/errors.ts';
import type { EtcdConfig } from './config.ts';
import { asEtcdError } from './etcd-errors.ts';
import type {
  CallOptions,
  EtcdTransport,
  LeaseId,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
  WatchRequest,
  WatchSink,
  WatchStream,
} from './transport.ts';
import { openWatch } from './watch-stream.ts';
import { fromPair, fromTxnResponse, toRangeRequest, toTxnRequest } from './wire.ts';

const defaultTimeoutMs = 3_000;
const maxMessageBytes = 256 << 20;

/**
 * etcd3 as a thin layer over the calls: none of its retries (a write whose answer was lost would be repeated), breakers,
 * watchers, leases, locks or elections. One client for each endpoint; all calls go to one of them until it fails.
 */
export class EtcdClient implements EtcdTransport {
  readonly #endpoints: readonly string[];
  readonly #clients: readonly Etcd3[];
  #current = 0;

  constructor(config: EtcdConfig) {
    this.#endpoints = config.endpoints;
    const shared = clientOptions(config);
    this.#clients = config.endpoints.map((hosts) => new Etcd3({ ...shared, hosts }));
    this.#current = Math.floor(Math.random() * this.#clients.length);
  }

  async txn(request: TxnRequest, options: CallOptions = {}): Promise<TxnResult> {
    return await this.#call(options, async (client, call) =>
      fromTxnResponse(await client.kv.txn(toTxnRequest(request), call)),
    );
  }

  async range(request: RangeRequest, options: CallOptions = {}): Promise<RangeResult> {
    return await this.#call(options, async (client, call) => {
      const answer = await client.kv.range(toRangeRequest(request), call);
      return {
        revision: BigInt(answer.header.revision),
        cluster: answer.header.cluster_id,
        pairs: answer.kvs.map(fromPair),
        hasMore: answer.more,
        count: Number(answer.count),
      };
    });
  }

  async grant(ttlSeconds: number, options: CallOptions = {}): Promise<LeaseId> {
    return await this.#call(options, async (client, call) => {
      const answer = await client.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 }, call);
      return answer.ID;
    });
  }

  async keepAlive(lease: LeaseId, options: CallOptions = {}): Promise<number> {
    return await this.#call(options, async (client, call) => {
      const stream = await client.leaseClient.leaseKeepAlive(call);
      return await new Promise<number>((resolve, reject) => {
        stream.on('data', (answer) => {
          resolve(Number(answer.TTL));
          stream.end();
        });
        stream.on('error', reject);
        stream.on('end', () => reject(transient('EtcdUnavailable', 'etcd ended the renewal of the lease')));
        stream.write({ ID: lease });
      });
    });
  }

  async revoke(lease: LeaseId, options: CallOptions = {}): Promise<void> {
    await this.#call(options, (client, call) => client.leaseClient.leaseRevoke({ ID: lease }, call)).catch(
      (error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'EtcdLeaseGone')) throw error;
      },
    );
  }

  watch(request: WatchRequest, sink: WatchSink): WatchStream {
    const index = this.#current;
    return openWatch(this.#client(index), request, {
      ...sink,
      onEnd: (error) => {
        this.#failed(index);
        sink.onEnd(asEtcdError(error, this.#endpoint(index)));
      },
    });
  }

  /** For tests and `idra epoch`: forgets the history before a revision. */
  async compact(revision: bigint): Promise<void> {
    await this.#client(this.#current).kv.compact({ revision: String(revision), physical: true });
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #call<T>(
    { timeoutMs = defaultTimeoutMs, signal }: CallOptions,
    run: (client: Etcd3, call: { deadline: number }) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const index = this.#current;
    const answer = run(this.#client(index), { deadline: Date.now() + timeoutMs });
    try {
      return await (signal === undefined ? answer : orAborted(answer, signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const known = asEtcdError(error, this.#endpoint(index));
      if (known.code === 'EtcdUnavailable') this.#failed(index);
      throw known;
    }
  }

  /** Somebody may have moved on already. */
  #failed(index: number): void {
    if (this.#current === index) this.#current = (index + 1) % this.#clients.length;
  }

  #client(index: number): Etcd3 {
    const client = this.#clients[index];
    if (client === undefined) throw new RangeError(`no endpoint ${index}`);
    return client;
  }

  #endpoint(index: number): string {
    return this.#endpoints[index] ?? '';
  }
}

async function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function clientOptions(config: EtcdConfig): Omit<IOptions, 'hosts'> {
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
      // A connection that went silent is found out; etcd allows a ping each 5 s.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
    ...credentials(config),
  };
}

const never = new AbortController().signal;

function credentials(config: EtcdConfig): Pick<IOptions, 'credentials' | 'auth'> {
  const { caFile, certFile, keyFile, user, passwordFile } = config;
  return {
    ...(caFile !== undefined && {
      credentials: {
        rootCertificate: readGiven(caFile, 'IDRA_ETCD_CA'),
        ...(certFile !== undefined && { certChain: readGiven(certFile, 'IDRA_ETCD_CERT') }),
        ...(keyFile !== undefined && { privateKey: readGiven(keyFile, 'IDRA_ETCD_KEY') }),
      },
    }),
    ...(user !== undefined && {
      auth: {
        username: user,
        password:
          passwordFile === undefined
            ? ''
            : readGiven(passwordFile, 'IDRA_ETCD_PASSWORD_FILE').toString().trimEnd(),
      },
    }),
  };
}

function readGiven(path: string, variable: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw permanent('EtcdNotConfigured', `the file ${path} cannot be read`, {
      path: variable,
      mend: `set ${variable} to a file that can be read`,
      cause: error,
    });
  }
}
