import type { Rejection, SystemIdentity } from './connector.ts';
import type { RateDemand } from './rate-share.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, RowCounts, SyncStatus } from './status.ts';
import type { DataSource, Sync, WriteMode } from './sync-spec.ts';
import type { Token } from './token.ts';

/** The coordination that the sync runner needs. Two implementations: etcd (cluster) and the state file (single mode). */
export interface SyncStore {
  /** Acquires the lock of a sync under this agent's lease. Undefined if another agent holds it. */
  acquire(sync: Sync): Promise<SyncLock | undefined>;
  /**
   * Acquires a slot of each data source (maxConcurrentSyncs), in a fixed order and fair by order of arrival; waits until all are
   * acquired. `onWait` is called while one is not free, and again when its holders change.
   */
  acquireSlots(
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait?: (wait: SlotWait) => void,
  ): Promise<Slots>;
  /**
   * Publishes how much the syncs of this agent would use of a data source (`namespace/name`) whose rate is limited; undefined: nothing
   * now.
   */
  setRateDemand(dataSource: string, demand: RateDemand | undefined): void;
  /** The demands of all agents, by the latest known state. Includes our own once the others see it too. */
  rateDemands(dataSource: string): RateDemands;
}

/** The holders of the slots that a sync waits for. */
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
  /** Whether another sync waits for one of them. */
  readonly hasWaiters: () => boolean;
  release(): Promise<void>;
}

/** Held from acquire to release. `signal` fires with Stopped('lock-lost' | 'lease-lost') before another agent can acquire it. */
export interface SyncLock {
  /** 'next' in single mode: the destination's stored token plus one. */
  readonly token: Token | 'next';
  readonly signal: AbortSignal;
  /** A mirror of the destination's offset, or the offset itself if the destination cannot store it. */
  readonly offsets: OffsetMirror;
  /** Kept per uid across agents: whether it has ever caught up, whether a `once` schedule is complete, schedule and executed requests. */
  readProgress(): Promise<SyncProgress>;
  writeProgress(progress: SyncProgress): Promise<void>;
  /** Coalesced: written at most every few seconds, and only on change. A state change is written at once. */
  report(status: SyncStatus): void;
  /** Pending requests for this sync, oldest first; the callback fires when new ones arrive. */
  pendingRequests(): Promise<readonly Request[]>;
  onRequest(listener: () => void): () => void;
  /** Recorded by (type, id), so that each is executed once. */
  finishRequest(status: RequestStatus): Promise<void>;
  appendHistory(entry: OffsetHistoryEntry): Promise<void>;
  readHistory(): Promise<readonly OffsetHistoryEntry[]>;
  /** Writes everything reported, then deletes the key. */
  release(): Promise<void>;
}

export interface OffsetMirror {
  read(): Promise<string | null>;
  /** Conditional on the lock; coalesced with the writes of other syncs. Throws `fenced` if the lock is lost. */
  write(offset: string | null): Promise<void>;
}

export interface SyncProgress {
  readonly hasCaughtUp: boolean;
  /** Generation of the spec that it last caught up with. */
  readonly generation?: number;
  /** A `once` schedule is complete. */
  readonly isCompleted: boolean;
  /** Written before the first claim: from then on the destination may hold a row of this Sync. */
  readonly mayHaveRow?: boolean;
  /** Offset fingerprint at the last claim: a sync whose fingerprint changed has not caught up. */
  readonly fingerprint?: string;
  /** Both systems at the last claim. */
  readonly ends?: KnownEnds;
  /** Relation.identity of the table that the offset belongs to, if the destination has no commit row to hold it. */
  readonly target?: string;
  /** Of the last Snapshot pass: the rows of an unfinished Replace are in a different table than those of other write modes. */
  readonly writeMode?: WriteMode;
  /** Columns added at the destination after rows had been moved: those rows have NULL there. */
  readonly addedColumns?: readonly string[];
  /** Start of the last pass that was due by the schedule, ISO 8601 UTC: missed cron runs are made up by a single pass. */
  readonly lastPassStart?: string;
  readonly lastSyncTime?: string;
  /** Total of the commit row when it was last read: reported for an idle sync that does not open its destination. */
  readonly rows?: number;
  /** From the same time and since the same restart: counts that the commit row does not hold. */
  readonly counts?: Pick<RowCounts, 'read' | 'deleted'>;
  readonly skipped?: SkippedRows;
}

export interface KnownEnds {
  /** Of the claim they belong to. If it differs from SyncProgress.fingerprint, a version without this field has claimed since. */
  readonly fingerprint: string;
  readonly source: KnownEnd;
  readonly destination: KnownEnd;
  /** Hashes of the fields that the offset fingerprint depends on, by path in the manifest. Omitted by older versions. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface KnownEnd {
  /** The address in the manifest: type, host, port, database and the like. */
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

/** Whether the destination may hold a row of this Sync; versions before `mayHaveRow` wrote the offset fingerprint after their claim. */
export function mayHaveRow({ mayHaveRow: isMarked, fingerprint }: SyncProgress): boolean {
  return isMarked === true || fingerprint !== undefined;
}

export const noProgress: SyncProgress = { hasCaughtUp: false, isCompleted: false };
