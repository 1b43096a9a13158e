import type {
  Compare,
  KeyRange,
  KeyValue,
  LeaseId,
  Operation,
  OperationResult,
  RangeRequest,
  RangeResult,
  TxnRequest,
  TxnResult,
  WatchEvent,
} from '../../coordination/etcd/transport.ts';
import { bug, transient } from '../../core/errors.ts';

interface LeaseState {
  readonly ttlMs: number;
  /** The earliest time at which it may end. */
  endsAtMs: number;
}

/** All events of one revision. */
export interface Revision {
  readonly revision: bigint;
  readonly events: readonly WatchEvent[];
}

/**
 * etcd's state machine, which processes requests one after the other: revisions, transactions, leases, history. A test compares it with a
 * real one.
 */
export class EtcdState {
  #pairs = new Map<string, KeyValue>();
  #leases = new Map<LeaseId, LeaseState>();
  #history: Revision[] = [];
  #revision = 1n;
  #compacted = 0n;
  #leaseCount = 0;
  #events: WatchEvent[] = [];
  cluster = '1';
  /** Called after each revision. */
  onRevision: (revision: Revision) => void = () => {};

  get revision(): bigint {
    return this.#revision;
  }

  get compacted(): bigint {
    return this.#compacted;
  }

  get(key: string): KeyValue | undefined {
    return this.#pairs.get(key);
  }

  under(prefix: string): KeyValue[] {
    return [...this.#pairs.values()].filter(({ key }) => key.startsWith(prefix));
  }

  txn(request: TxnRequest): TxnResult {
    refuseOverlaps(request);
    const path = this.#decide(request);
    this.#checkLeases(path);
    const revision = this.#revision + 1n;
    const result = this.#carryOut(path, revision);
    this.#commit(revision);
    return { ...result, revision: this.#revision };
  }

  /** Whether its compares hold now. */
  decide(request: TxnRequest): boolean {
    return request.compare.every((compare) => this.#holds(compare));
  }

  range(request: RangeRequest): RangeResult {
    if (request.revision !== undefined && request.revision !== this.#revision)
      throw bug('the model reads no past revisions');
    const found = this.#find(request);
    const pairs = request.limit === undefined || request.limit === 0 ? found : found.slice(0, request.limit);
    return {
      revision: this.#revision,
      cluster: this.cluster,
      pairs: request.keysOnly ? pairs.map((pair) => ({ ...pair, value: '' })) : pairs,
      hasMore: pairs.length < found.length,
      count: found.length,
    };
  }

  grant(ttlSeconds: number, nowMs: number): LeaseId {
    const id = String(++this.#leaseCount);
    this.#leases.set(id, { ttlMs: ttlSeconds * 1_000, endsAtMs: nowMs + ttlSeconds * 1_000 });
    return id;
  }

  /** Seconds, 0 if it is gone. */
  keepAlive(id: LeaseId, nowMs: number): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.endsAtMs = nowMs + lease.ttlMs;
    return lease.ttlMs / 1_000;
  }

  revoke(id: LeaseId): void {
    if (!this.#leases.delete(id)) throw leaseGone();
    const revision = this.#revision + 1n;
    for (const { key } of [...this.#pairs.values()].filter(({ lease }) => lease === id))
      this.#remove(key, revision);
    this.#commit(revision);
  }

  leaseEnd(id: LeaseId): number | undefined {
    return this.#leases.get(id)?.endsAtMs;
  }

  /** As a new leader of etcd does. */
  extendLeases(nowMs: number): void {
    for (const lease of this.#leases.values()) lease.endsAtMs = nowMs + lease.ttlMs;
  }

  get leases(): readonly LeaseId[] {
    return [...this.#leases.keys()];
  }

  compact(): void {
    this.#compacted = this.#revision;
    this.#history = [];
  }

  /** What a watch that starts after this revision has missed. */
  since(revision: bigint): readonly Revision[] {
    return this.#history.filter((each) => each.revision > revision);
  }

  snapshot(): () => void {
    const [pairs, revision] = [new Map(this.#pairs), this.#revision];
    const leases = new Map([...this.#leases].map(([id, lease]) => [id, { ...lease }]));
    return () => {
      this.#pairs = new Map(pairs);
      this.#leases = new Map(leases);
      this.#revision = revision;
      this.#history = [];
      this.#compacted = revision;
      this.cluster = String(Number(this.cluster) + 1);
    };
  }

  /** Compares are evaluated on the state before the transaction, including those of nested ones. */
  #decide(request: TxnRequest): Decided {
    const succeeded = this.decide(request);
    const operations = succeeded ? request.success : (request.failure ?? []);
    return { succeeded, steps: operations.map((each) => (each.kind === 'txn' ? this.#decide(each) : each)) };
  }

  #carryOut({ succeeded, steps }: Decided, revision: bigint): TxnResult {
    return { succeeded, revision: 0n, results: steps.map((step) => this.#step(step, revision)) };
  }

  #step(step: Decided | Exclude<Operation, { kind: 'txn' }>, revision: bigint): OperationResult {
    if ('steps' in step) return { txn: this.#carryOut(step, revision) };
    if (step.kind === 'get') return { pairs: this.#find(step) };
    if (step.kind === 'delete') for (const { key } of this.#find(step)) this.#remove(key, revision);
    else this.#put(step, revision);
    return {};
  }

  #put({ key, value, lease = '0' }: Extract<Operation, { kind: 'put' }>, revision: bigint): void {
    const createRevision = this.#pairs.get(key)?.createRevision ?? revision;
    const pair = { key, value, createRevision, modRevision: revision, lease };
    this.#pairs.set(key, pair);
    this.#events.push({ kind: 'put', pair });
  }

  #holds(compare: Compare): boolean {
    const pair = this.#pairs.get(compare.key);
    if ('create' in compare) return (pair?.createRevision ?? 0n) === compare.create;
    if ('mod' in compare) return (pair?.modRevision ?? 0n) === compare.mod;
    return pair?.value === compare.value;
  }

  #find({ key, end }: KeyRange): KeyValue[] {
    if (end === undefined) {
      const pair = this.#pairs.get(key);
      return pair === undefined ? [] : [pair];
    }
    return [...this.#pairs.values()]
      .filter((pair) => pair.key >= key && pair.key < end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #remove(key: string, revision: bigint): void {
    this.#pairs.delete(key);
    const gone = { key, value: '', createRevision: 0n, modRevision: revision, lease: '0' };
    this.#events.push({ kind: 'delete', pair: gone });
  }

  #commit(revision: bigint): void {
    if (this.#events.length === 0) return;
    const made = { revision, events: this.#events };
    this.#events = [];
    this.#revision = revision;
    this.#history.push(made);
    this.onRevision(made);
  }

  #checkLeases({ steps }: Decided): void {
    for (const step of steps) {
      if ('steps' in step) this.#checkLeases(step);
      else if (step.kind === 'put' && step.lease !== undefined && !this.#leases.has(step.lease))
        throw leaseGone();
    }
  }
}

interface Decided {
  readonly succeeded: boolean;
  readonly steps: readonly (Decided | Exclude<Operation, { kind: 'txn' }>)[];
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: KeyRange[];
}

/** Refused as a whole: two puts of a key, or a put of a deleted one. The two branches of a nested transaction exclude each other. */
function refuseOverlaps({ success, failure = [] }: TxnRequest): void {
  touchedBy(success);
  touchedBy(failure);
}

function touchedBy(operations: readonly Operation[]): Touched {
  const puts = new Set<string>();
  const deletes: KeyRange[] = operations.filter(({ kind }) => kind === 'delete') as KeyRange[];
  const add = (key: string, others: ReadonlySet<string>) => {
    const isDeleted = deletes.some((range) =>
      range.end === undefined ? range.key === key : key >= range.key && key < range.end,
    );
    if (isDeleted || others.has(key)) throw bug(`etcd refuses a request: duplicate key ${key}`);
    puts.add(key);
  };
  for (const operation of operations) {
    if (operation.kind !== 'txn') continue;
    const before = new Set(puts);
    const [one, other] = [touchedBy(operation.success), touchedBy(operation.failure ?? [])];
    for (const key of [...one.puts, ...other.puts]) add(key, before);
    deletes.push(...one.deletes, ...other.deletes);
  }
  for (const operation of operations) if (operation.kind === 'put') add(operation.key, new Set(puts));
  return { puts, deletes };
}

function leaseGone(): Error {
  return transient('EtcdLeaseGone', 'the lease no longer exists in etcd');
}
