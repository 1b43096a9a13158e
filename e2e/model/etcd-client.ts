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
} from '../../coordination/etcd/transport.ts';
import { transient } from '../../core/errors.ts';
import type { EtcdServer } from './etcd-server.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

const defaultTimeoutMs = 3_000;

/** Replaces coordination/etcd/client.ts: the same contract, over the model's network. */
export class ModelTransport implements EtcdTransport {
  readonly #world: World;
  readonly #server: EtcdServer;
  readonly #link: Link;
  readonly #onTxn: (request: TxnRequest, link: Link) => () => void;

  constructor(
    world: World,
    server: EtcdServer,
    link: Link,
    onTxn: (request: TxnRequest, link: Link) => () => void,
  ) {
    this.#world = world;
    this.#server = server;
    this.#link = link;
    this.#onTxn = onTxn;
  }

  txn(request: TxnRequest, options?: CallOptions): Promise<TxnResult> {
    return this.#call('txn', options, () => {
      const onDone = this.#onTxn(request, this.#link);
      const result = this.#server.state.txn(request);
      onDone();
      return result;
    });
  }

  range(request: RangeRequest, options?: CallOptions): Promise<RangeResult> {
    return this.#call('range', options, () => this.#server.state.range(request));
  }

  grant(ttlSeconds: number, options?: CallOptions): Promise<LeaseId> {
    return this.#call('grant', options, () => this.#server.grant(ttlSeconds, this.#link.process));
  }

  keepAlive(lease: LeaseId, options?: CallOptions): Promise<number> {
    return this.#call('keep-alive', options, () => this.#server.state.keepAlive(lease, this.#world.nowMs));
  }

  revoke(lease: LeaseId, options?: CallOptions): Promise<void> {
    return this.#call('revoke', options, () => {
      if (this.#server.state.leaseEnd(lease) !== undefined) this.#server.state.revoke(lease);
    });
  }

  watch(request: WatchRequest, sink: WatchSink): WatchStream {
    return new ModelWatch(this.#server, this.#link, request, sink);
  }

  close(): void {}

  #call<T>(
    what: string,
    { timeoutMs = defaultTimeoutMs, signal }: CallOptions = {},
    run: () => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const settle = (settled: () => void) => {
        timer.isCancelled = true;
        signal?.removeEventListener('abort', stop);
        settled();
      };
      const stop = () => settle(() => reject(signal?.reason));
      const timer = this.#link.process.timer(timeoutMs, () => settle(() => reject(noAnswer(what))));
      signal?.addEventListener('abort', stop, { once: true });
      this.#link.toServer(what, () =>
        this.#server.handle(() => {
          const answer = outcomeOf(run, resolve, reject);
          this.#link.toProcess(what, () => settle(answer));
        }),
      );
    });
  }
}

function outcomeOf<T>(
  run: () => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): () => void {
  try {
    const value = run();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error);
  }
}

function noAnswer(what: string): Error {
  return transient('EtcdUnavailable', `etcd does not answer ${what}`);
}

class ModelWatch implements WatchStream {
  readonly #server: EtcdServer;
  readonly #link: Link;
  readonly #sink: WatchSink;
  #unfollow: () => void = () => {};
  #isOpen = false;
  #isOver = false;
  #lastMs = 0;

  constructor(server: EtcdServer, link: Link, request: WatchRequest, sink: WatchSink) {
    this.#server = server;
    this.#link = link;
    this.#sink = sink;
    link.toServer('watch', () => server.handle(() => this.#open(request)));
  }

  requestProgress(): void {
    this.#link.toServer('progress', () =>
      this.#server.handle(() => {
        const { revision } = this.#server.state;
        // On one stream with the request that opened it: if that was lost, this does not arrive either.
        if (this.#isOpen && !this.#isOver) this.#deliver('progress', () => this.#sink.onProgress(revision));
      }),
    );
  }

  close(): void {
    this.#isOver = true;
    this.#unfollow();
  }

  #open(request: WatchRequest): void {
    const { state } = this.#server;
    if (this.#isOver) return;
    if (request.cluster !== state.cluster) {
      this.#end(transient('EtcdReplaced', 'etcd was restored or replaced'));
      return;
    }
    if (request.afterRevision < state.compacted) {
      this.#end(transient('EtcdCompacted', 'etcd has compacted the revision'));
      return;
    }
    const inRange = (key: string) =>
      request.end === undefined ? key === request.key : key >= request.key && key < request.end;
    const onRevision = ({ revision, events }: ReturnType<typeof state.since>[number]) => {
      const own = events.filter(({ pair }) => inRange(pair.key));
      if (own.length > 0) this.#deliver('events', () => this.#sink.onEvents(own, revision));
    };
    for (const each of state.since(request.afterRevision)) onRevision(each);
    this.#isOpen = true;
    const onBroken = () => this.#end(transient('EtcdUnavailable', 'etcd ended the watch'));
    this.#unfollow = this.#server.follow({ link: this.#link, request, onRevision, onBroken });
  }

  #deliver(what: string, call: () => void): void {
    this.#lastMs = this.#link.stream(what, this.#lastMs, () => {
      if (!this.#isOver) call();
    });
  }

  #end(error: Error): void {
    this.#deliver('end of a watch', () => {
      this.close();
      this.#sink.onEnd(error);
    });
  }
}
