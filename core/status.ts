import type { BoundReport, Guarantee } from './connector.ts';
import type { SourcePart } from './pass-end.ts';
import type { Mode } from './sync-spec.ts';

/**
 * Pending: not assigned yet. Waiting: between passes or before a retry. Failed: action required. Deleting: deletion was requested and
 * cleanup is not finished.
 */
export type SyncState = 'Pending' | 'Running' | 'Waiting' | 'Suspended' | 'Completed' | 'Failed' | 'Deleting';

/**
 * The report of the lock holder of one Sync. Computed once, by the agent, and the same for kubectl, command line, UI and API. Times are
 * ISO 8601 UTC.
 */
export interface SyncStatus {
  readonly uid: string;
  readonly observedGeneration: number;
  readonly state: SyncState;
  /** CamelCase; also the reason of the conditions. */
  readonly reason: string;
  /** One sentence; for a permanent error also what to do. */
  readonly message: string;
  readonly agent?: string;
  /** True from the first time that it has caught up with this generation of the spec, with nothing held back. */
  readonly hasCaughtUp: boolean;
  /** It had caught up with an earlier generation. */
  readonly hasCaughtUpBefore?: boolean;
  readonly rows: RowCounts;
  /** Over the last seconds of work. */
  readonly rowsPerSecond?: number;
  /** The encoded offset, and its text by shownOffset. */
  readonly offset?: string;
  readonly offsetText?: string;
  readonly lagSeconds?: number;
  readonly observedAt: string;
  /** Time of the last commit of rows. */
  readonly lastSyncTime?: string;
  readonly lastPassTime?: string;
  /** As formatted by formatToken. */
  readonly fencingToken?: string;
  readonly guarantee?: Guarantee;
  readonly bound?: BoundReport;
  /** Those with most records waiting, if there are very many. */
  readonly parts?: readonly SourcePart[];
  readonly lastError?: LastError;
  /** A due pass has made no progress since then; whether rows are waiting is not known. */
  readonly overdueSince?: string;
  readonly nextPassTime?: string;
  readonly requests?: readonly RequestStatus[];
  /** Warnings of the plan for the user. */
  readonly warnings?: readonly string[];
}

export interface RowCounts {
  readonly read: number;
  readonly written: number;
  readonly deleted: number;
  readonly rejected: number;
}

export interface LastError {
  readonly code: string;
  readonly message: string;
  readonly time: string;
  /** Number of consecutive failures. */
  readonly count: number;
  readonly isTransient: boolean;
}

/**
 * Requests are executed once, in contrast to desired state. `replay` and `verify` need dead letters and checksums, and are refused until
 * those exist.
 */
export type RequestType =
  | 'run-now'
  | 'restart'
  | 'keep-offset'
  | 'offset'
  | 'undo-offset'
  | 'replay'
  | 'verify';

export interface Request {
  readonly type: RequestType;
  /** Chosen by the caller, for example a time; each value is executed once. */
  readonly id: string;
  /** offset: the new offset and the one expected to be stored, as text. */
  readonly offset?: { readonly value: string; readonly expect: string };
  /** As given by the caller. */
  readonly by?: string;
}

/** A request is executed once for each type and id. */
export function isSameRequest(a: Pick<Request, 'type' | 'id'>, b: Pick<Request, 'type' | 'id'>): boolean {
  return a.type === b.type && a.id === b.id;
}

export interface RequestStatus {
  readonly type: RequestType;
  readonly id: string;
  readonly state: 'Accepted' | 'Done' | 'Refused';
  readonly message: string;
  readonly time: string;
}

export interface OffsetHistoryEntry {
  readonly time: string;
  readonly by: string;
  readonly action: 'set' | 'restart' | 'undo' | 'keep-offset';
  readonly from: string | null;
  readonly to: string | null;
}

/** A row of `kubectl get syncs`. */
export interface SyncRow {
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly mode: Mode;
  readonly state: SyncState;
  readonly agent: string;
  readonly rows: number;
  readonly lag: string;
  readonly lastSync: string;
  readonly age: string;
}

/** `2s`, `5m`, `3h`, `12d`: the format of ages in kubectl. */
export function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
