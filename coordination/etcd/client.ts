import { type Etcd3, EtcdPermissionDeniedError } from 'etcd3';
import { orAborted } from '../../core/aborted.ts';
import { transient } from '../../core/errors.ts';
import type { EtcdConfig } from '../config.ts';
import { Keys } from '../keys.ts';
import { type Need, needsOf } from '../roles/roles.ts';
import { defaultTimeoutMs, type EtcdChannelPace, EtcdChannels } from './channels.ts';
import { asEtcdError, hasCode, isTokenGone } from './errors.ts';
import { fromPair, fromTxnResponse, toRangeRequest, toTxnRequest } from './protocol.ts';
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

/**
 * etcd3 as a thin layer over the calls, without its retries (which would repeat a write whose answer was lost), circuit breakers,
 * watchers, leases, locks or elections. One client per endpoint; all calls use one endpoint until it fails.
 */
export class EtcdClient implements EtcdTransport {
  readonly #endpoints: readonly string[];
  readonly #keys: Keys;
  readonly #channels: EtcdChannels;
  readonly #watches = new Set<OpenWatch>();
  #current = 0;

  constructor(config: EtcdConfig, pace: EtcdChannelPace = {}) {
    this.#endpoints = config.endpoints;
    this.#keys = new Keys(config.prefix);
    this.#channels = new EtcdChannels(config, (client) => this.#endWatchesOf(client), pace);
    this.#current = Math.floor(Math.random() * this.#endpoints.length);
  }

  async txn(request: TxnRequest, options: CallOptions = {}): Promise<TxnResult> {
    const run = async (client: Etcd3, call: { deadline: number }) =>
      fromTxnResponse(await client.kv.txn(toTxnRequest(request), call));
    return await this.#call(options, run, () => needsOf(request));
  }

  async range(request: RangeRequest, options: CallOptions = {}): Promise<RangeResult> {
    const run = async (client: Etcd3, call: { deadline: number }) => {
      const answer = await client.kv.range(toRangeRequest(request), call);
      return {
        revision: BigInt(answer.header.revision),
        cluster: answer.header.cluster_id,
        pairs: answer.kvs.map(fromPair),
        hasMore: answer.more,
        count: Number(answer.count),
      };
    };
    return await this.#call(options, run, () => [{ range: request, access: 'read' }]);
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
        if (!hasCode(error, 'EtcdLeaseGone')) throw error;
      },
    );
  }

  watch(request: WatchRequest, sink: WatchSink): WatchStream {
    const index = this.#current;
    const client = this.#channels.get(index);
    const needs: readonly Need[] = [{ range: request, access: 'read' }];
    const end = (error: Error) => {
      if (!this.#watches.delete(open)) return;
      this.#failed(index, error);
      sink.onEnd(this.#asEtcdError(error, index, needs));
    };
    const stream = openWatch(client, request, { ...sink, onEnd: end });
    const open: OpenWatch = {
      client,
      retire: () => {
        stream.close();
        if (this.#watches.delete(open))
          sink.onEnd(
            transient(
              'EtcdUnavailable',
              'the connection to etcd is replaced because its certificate files changed',
            ),
          );
      },
    };
    this.#watches.add(open);
    return {
      requestProgress: () => stream.requestProgress(),
      close: () => {
        this.#watches.delete(open);
        stream.close();
      },
    };
  }

  /** For tests and `idra epoch`: deletes the history before a revision. */
  async compact(revision: bigint): Promise<void> {
    await this.#channels.get(this.#current).kv.compact({ revision: String(revision), physical: true });
  }

  close(): void {
    this.#channels.close();
  }

  async #call<T>(
    { timeoutMs = defaultTimeoutMs, signal }: CallOptions,
    run: (client: Etcd3, call: { deadline: number }) => Promise<T>,
    needs: () => readonly Need[] = () => [],
  ): Promise<T> {
    signal?.throwIfAborted();
    const index = this.#current;
    const answer = run(this.#channels.get(index), { deadline: Date.now() + timeoutMs });
    try {
      return await orAborted(answer, signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const known = this.#asEtcdError(error, index, needs());
      if (known.code.startsWith('Etcd')) this.#failed(index, error, known.code);
      throw known;
    }
  }

  #asEtcdError(error: unknown, index: number, needs: readonly Need[]) {
    const endpoint = this.#endpoints[index] ?? '';
    return asEtcdError(error, endpoint, { user: this.#channels.user, keys: this.#keys, needs });
  }

  /** Another call may have switched endpoints already. */
  #failed(index: number, error: unknown, code = 'EtcdUnavailable'): void {
    this.#channels.checkFiles();
    // For a watch whose token has expired, older releases of etcd report that it is not permitted.
    if (isTokenGone(error) || error instanceof EtcdPermissionDeniedError) this.#channels.authenticateAgain();
    else if (code === 'EtcdUnavailable' && this.#current === index)
      this.#current = (index + 1) % this.#endpoints.length;
  }

  #endWatchesOf(client: Etcd3): void {
    for (const watch of [...this.#watches]) if (watch.client === client) watch.retire();
  }
}

interface OpenWatch {
  readonly client: Etcd3;
  retire(): void;
}
