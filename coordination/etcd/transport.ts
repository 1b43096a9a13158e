/**
 * The few etcd calls that Idra uses. The real implementation is in client.ts; the model replaces it with a simulated one. Every call
 * fails with an IdraError: EtcdUnavailable (transient) if the answer is unknown, so that a write may or may not have happened. No layer
 * below this one repeats a write. Reads are linearizable. Keys and values are text.
 */
export interface EtcdTransport {
  /** At most 128 operations, including nested ones. */
  txn(request: TxnRequest, options?: CallOptions): Promise<TxnResult>;
  range(request: RangeRequest, options?: CallOptions): Promise<RangeResult>;
  /** Events after a revision, in order. Ends once, with an error, and does not restart itself. */
  watch(request: WatchRequest, sink: WatchSink): WatchStream;
  grant(ttlSeconds: number, options?: CallOptions): Promise<LeaseId>;
  /** Renews the lease. Returns its new TTL in seconds, 0 if it is gone. */
  keepAlive(lease: LeaseId, options?: CallOptions): Promise<number>;
  /** Deletes its keys. Does nothing if the lease is already gone. */
  revoke(lease: LeaseId, options?: CallOptions): Promise<void>;
  close(): void;
}

export type LeaseId = string;

export interface CallOptions {
  /** After this time the call fails with EtcdUnavailable. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** '0' if the key has no lease. */
  readonly lease: LeaseId;
}

/** A single key, or with `end` all keys from `key` up to it. */
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
  /** Evaluated by its own compares, for operations that must succeed or fail independently of the others. */
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
  /** One for each executed operation. */
  readonly results: readonly OperationResult[];
}

export interface OperationResult {
  /** Result of a get. */
  readonly pairs?: readonly KeyValue[];
  /** Result of a nested transaction. */
  readonly txn?: TxnResult;
}

export interface RangeRequest extends KeyRange {
  readonly limit?: number;
  /** Default: the newest. */
  readonly revision?: bigint;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  readonly revision: bigint;
  /** Identifies the etcd cluster; one that was restored or replaced has another id. */
  readonly cluster: string;
  readonly pairs: readonly KeyValue[];
  readonly hasMore: boolean;
  readonly count: number;
}

export interface WatchRequest extends KeyRange {
  /** Already seen: events start at the next revision. */
  readonly afterRevision: bigint;
  /** The cluster that reported that revision. */
  readonly cluster: string;
}

export interface WatchEvent {
  readonly kind: 'put' | 'delete';
  /** For a delete: the key, and the revision at which it was deleted; the value is empty. */
  readonly pair: KeyValue;
}

export interface WatchSink {
  /** All events of a revision are delivered together. An empty list means that everything up to `revision` has been delivered. */
  onEvents(events: readonly WatchEvent[], revision: bigint): void;
  /** The answer to requestProgress: the member is alive, and has reached this revision. */
  onProgress(revision: bigint): void;
  /** EtcdCompacted, EtcdReplaced: list again. Any other error: watch again after the last revision. */
  onEnd(error: Error): void;
}

export interface WatchStream {
  /** Requests the member's revision: a silent watch may be dead, or belong to a member that fell behind. */
  requestProgress(): void;
  close(): void;
}

/** The end of the range of all keys that begin with `prefix`. */
export function endOf(prefix: string): string {
  // Keys are ASCII, so the last character always has a successor.
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

export function underPrefix(prefix: string): Required<KeyRange> {
  return { key: prefix, end: endOf(prefix) };
}
