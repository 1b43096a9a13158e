/**
 * The few calls of etcd that Idra lives on. The real one is in client.ts; the simulated one of the model replaces it.
 * Every call fails with an IdraError: EtcdUnavailable (transient) when the answer is unknown, for a write also whether it
 * happened; a write is never repeated below this line. Reads are linearizable. Keys and values are text.
 */
export interface EtcdTransport {
  /** At most 128 operations, nested ones included. */
  txn(request: TxnRequest, options?: CallOptions): Promise<TxnResult>;
  range(request: RangeRequest, options?: CallOptions): Promise<RangeResult>;
  /** Events after a revision, in order. Ends once, with an error, and does not come back by itself. */
  watch(request: WatchRequest, sink: WatchSink): WatchStream;
  grant(ttlSeconds: number, options?: CallOptions): Promise<LeaseId>;
  /** Renews. The lease's new time in seconds, 0 when it is gone. */
  keepAlive(lease: LeaseId, options?: CallOptions): Promise<number>;
  /** Its keys go with it. Nothing happens when it is gone already. */
  revoke(lease: LeaseId, options?: CallOptions): Promise<void>;
  close(): void;
}

export type LeaseId = string;

export interface CallOptions {
  /** After it the call fails as EtcdUnavailable. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** '0' where the key is under none. */
  readonly lease: LeaseId;
}

/** A key alone, or with `end` all from `key` up to it. */
export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

export type Compare = { readonly key: string } & (
  | { readonly create: bigint }
  | { readonly mod: bigint }
  | { readonly value: string }
);

export type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | ({ readonly kind: 'delete' } & KeyRange)
  | ({ readonly kind: 'get' } & KeyRange)
  /** Decides by its own compares: operations that need not share the fate of the others. */
  | ({ readonly kind: 'txn' } & TxnRequest);

export interface TxnRequest {
  /** All must hold. */
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** One for each operation that was carried out. */
  readonly results: readonly OperationResult[];
}

export interface OperationResult {
  /** Of a get. */
  readonly pairs?: readonly KeyValue[];
  /** Of a nested transaction. */
  readonly txn?: TxnResult;
}

export interface RangeRequest extends KeyRange {
  readonly limit?: number;
  /** Left out: the newest. */
  readonly revision?: bigint;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  readonly revision: bigint;
  /** Which etcd this is: one that was restored or replaced has another. */
  readonly cluster: string;
  readonly pairs: readonly KeyValue[];
  readonly hasMore: boolean;
  readonly count: number;
}

export interface WatchRequest extends KeyRange {
  /** Seen already: events come from the next one on. */
  readonly afterRevision: bigint;
  /** The one that has given that revision. */
  readonly cluster: string;
}

export interface WatchEvent {
  readonly kind: 'put' | 'delete';
  /** Of a delete: the key, and the revision at which it went; the value is empty. */
  readonly pair: KeyValue;
}

export interface WatchSink {
  /** All events of a revision come together. With none: everything up to `revision` has been delivered. */
  onEvents(events: readonly WatchEvent[], revision: bigint): void;
  /** The answer to requestProgress: the member is there, and knows of so much. */
  onProgress(revision: bigint): void;
  /** EtcdCompacted, EtcdReplaced: list again. Everything else: watch again after the last revision. */
  onEnd(error: Error): void;
}

export interface WatchStream {
  /** Asks the member for its revision: a silent watch may be one that is dead, or of a member that was left behind. */
  requestProgress(): void;
  close(): void;
}

/** The end of the range of all keys that begin with `prefix`. */
export function endOf(prefix: string): string {
  // Keys are ASCII: the last character has a next one.
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

export function underPrefix(prefix: string): Required<KeyRange> {
  return { key: prefix, end: endOf(prefix) };
}
