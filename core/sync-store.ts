import type { Rejection, SystemIdentity } from './connector.ts';
import type { RateDemand } from './rate-share.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, RowCounts, SyncStatus } from './status.ts';
import type { DataSource, Sync, WriteMode } from './sync-spec.ts';
import type { Token } from './token.ts';

/**
 * What the runner of syncs needs of coordination. Two implementations: etcd (cluster) and the state file (single mode).
 */
export interface SyncStore {
  /** The lock of a sync, under this agent's lease. Undefined when somebody else holds it. */
  acquire(sync: Sync): Promise<SyncLock | undefined>;
  /**
   * Takes a slot of each data source (maxConcurrentSyncs), in a fixed order, fair in order of arrival; waits until it has all. `onWait` is
   * called while one is not free, again whenever others hold it.
   */
  acquireSlots(
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait?: (wait: SlotWait) => void,
  ): Promise<Slots>;
  /** What the syncs of this agent would use of a data source (`namespace/name`) whose rate is limited; undefined: nothing now. */
  setRateDemand(dataSource: string, demand: RateDemand | undefined): void;
  /** What all agents would use, as the last news say. The own one is there when the others know it, too. */
  rateDemands(dataSource: string): RateDemands;
}

/** Who has the slots that a sync waits for. */
export interface SlotWait {
  /** `namespace/name`. */
  readonly dataSource: string;
  readonly limit: number;
  /** `namespace/name` of the Syncs, oldest first. */
  readonly holders: readonly string[];
}

export interface RateDemands {
  readonly own: RateDemand | undefined;
  readonly others: readonly RateDemand[];
}

export interface Slots {
  /** Somebody waits for one of them. */
  readonly hasWaiters: () => boolean;
  release(): Promise<void>;
}

/** Held from acquire to release. `signal` fires with Stopped('lock-lost' | 'lease-lost') before anybody else can have it. */
export interface SyncLock {
  /** 'next' in single mode: the destination's plus one. */
  readonly token: Token | 'next';
  readonly signal: AbortSignal;
  /** Mirror of the destination's offset, or the offset itself where the destination cannot hold it. */
  readonly offsets: OffsetMirror;
  /** Remembered per uid across agents: has it ever caught up, is a `once` complete, schedule and requests done. */
  readProgress(): Promise<SyncProgress>;
  writeProgress(progress: SyncProgress): Promise<void>;
  /** Coalesced; the store writes at most every few seconds, and on change only. A state change goes at once. */
  report(status: SyncStatus): void;
  /** Requests that wait for this sync, oldest first; the callback fires when there are new ones. */
  pendingRequests(): Promise<readonly Request[]>;
  onRequest(listener: () => void): () => void;
  /** Remembered by (type, id), so that it is executed once. */
  finishRequest(status: RequestStatus): Promise<void>;
  appendHistory(entry: OffsetHistoryEntry): Promise<void>;
  readHistory(): Promise<readonly OffsetHistoryEntry[]>;
  /** Everything reported is written; then the key is deleted. */
  release(): Promise<void>;
}

export interface OffsetMirror {
  read(): Promise<string | null>;
  /** Conditional on the lock; coalesced with the writes of other syncs. Throws `fenced` when the lock is gone. */
  write(offset: string | null): Promise<void>;
}

export interface SyncProgress {
  readonly hasCaughtUp: boolean;
  /** Of the spec that it has caught up with last. */
  readonly generation?: number;
  /** Of a `once` schedule. */
  readonly isCompleted: boolean;
  /** Written before the first claim: from then on the destination may hold a row of this Sync. */
  readonly mayHaveRow?: boolean;
  /** Hash of what the offset means, at the last claim: a sync whose meaning changed has not caught up. */
  readonly meaning?: string;
  /** Both systems at the last claim. */
  readonly ends?: KnownEnds;
  /** Relation.identity of what the offset belongs to, where the destination holds no commit row that could say it. */
  readonly target?: string;
  /** Of the last Snapshot pass: the rows of an unfinished Replace are not where those of the others are. */
  readonly writeMode?: WriteMode;
  /** Columns that were added at the destination after rows had been moved: those rows have NULL there. */
  readonly addedColumns?: readonly string[];
  /** Start of the last pass that was due by the schedule, ISO 8601 UTC: missed runs of cron are made up by one. */
  readonly lastPassStart?: string;
  readonly lastSyncTime?: string;
  /** Total of the commit row as it was last seen: what is told of a sync that rests and therefore does not open its destination. */
  readonly rows?: number;
  /** Of the same time, and since the same restart: what the commit row does not hold. */
  readonly counts?: Pick<RowCounts, 'read' | 'deleted'>;
  readonly skipped?: SkippedRows;
}

export interface KnownEnds {
  /** Of the claim that they are of: a version that does not know them has claimed since where it is not SyncProgress.meaning. */
  readonly meaning: string;
  readonly source: KnownEnd;
  readonly destination: KnownEnd;
}

export interface KnownEnd {
  /** What the manifest names it by: type, host, port, database and the like. */
  readonly address: readonly unknown[];
  readonly identity: SystemIdentity;
}

/** Rows that the destination could not keep, by code, column and reason: kept over restarts, so plain data. */
export interface SkippedRows {
  readonly count: number;
  /** The newest last. */
  readonly kinds: readonly SkippedKind[];
}

interface SkippedKind {
  readonly count: number;
  /** The last row of this kind. */
  readonly last: Rejection;
}

/** Whether the destination may hold a row of this Sync; a version before `mayHaveRow` wrote the meaning after its claim. */
export function mayHaveRow({ mayHaveRow: isMarked, meaning }: SyncProgress): boolean {
  return isMarked === true || meaning !== undefined;
}

export const noProgress: SyncProgress = { hasCaughtUp: false, isCompleted: false };
