import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import { IdraError } from '../../core/errors.ts';
import type {
  EtcdTransport,
  KeyRange,
  KeyValue,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
} from './transport.ts';

const pageLimit = 1_000;
const attempts = 4;

export interface ListOptions {
  readonly signal?: AbortSignal | undefined;
  readonly keysOnly?: boolean;
  /** Default: the newest. */
  readonly revision?: bigint;
}

export interface Listed {
  readonly pairs: KeyValue[];
  readonly revision: bigint;
  readonly cluster: string;
}

/** Reads, and writes that may be repeated, over a transport that never repeats a call. */
export class EtcdKv {
  readonly transport: EtcdTransport;
  readonly clock: Clock;

  constructor(transport: EtcdTransport, clock: Clock) {
    this.transport = transport;
    this.clock = clock;
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    const { pairs } = await this.range({ key }, signal);
    return pairs[0];
  }

  /** All keys of a range at one revision. */
  async list(range: KeyRange, options: ListOptions = {}): Promise<Listed> {
    const pairs: KeyValue[] = [];
    let whole = { revision: 0n, cluster: '' };
    for await (const { pairs: some, revision, cluster } of this.pages(range, options)) {
      pairs.push(...some);
      whole = { revision, cluster };
    }
    return { ...whole, pairs };
  }

  /** The same page by page, for callers that do not need all of it in memory; all pages have the same revision. */
  async *pages(range: KeyRange, options: ListOptions = {}): AsyncGenerator<RangeResult> {
    const { signal, keysOnly = false } = options;
    const first = { ...range, limit: pageLimit, keysOnly };
    let page = await this.range(
      options.revision === undefined ? first : { ...first, revision: options.revision },
      signal,
    );
    // The revision in the header is always the newest.
    const revision = options.revision ?? page.revision;
    for (;;) {
      yield { ...page, revision };
      const last = page.pairs.at(-1);
      if (!page.hasMore || last === undefined) return;
      page = await this.range({ ...first, key: `${last.key}\0`, revision }, signal);
    }
  }

  async range(request: RangeRequest, signal?: AbortSignal): Promise<RangeResult> {
    return await this.repeat(() => this.transport.range(request, signal && { signal }), signal);
  }

  /** For a transaction whose effect is the same if it is executed twice, or late. */
  async repeatableTxn(request: TxnRequest, signal?: AbortSignal): Promise<TxnResult> {
    return await this.repeat(() => this.transport.txn(request, signal && { signal }), signal);
  }

  async repeat<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        const isUnclear = error instanceof IdraError && error.code === 'EtcdUnavailable';
        if (!isUnclear || attempt === attempts) throw error;
        await this.clock.sleep(backoffMs(attempt, { baseMs: 50, maxMs: 1_000 }), signal);
      }
    }
  }
}
