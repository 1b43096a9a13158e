import type { BoundReport, Guarantee } from './connector.ts';
import type { Mode } from './sync-spec.ts';

/** Pending: not assigned yet. Waiting: between passes or before a retry. Failed: needs a person. Deleting: deleted, and not yet cleaned up. */
export type SyncState = 'Pending' | 'Running' | 'Waiting' | 'Suspended' | 'Completed' | 'Failed' | 'Deleting';

/**
 * What the lock holder says of one Sync. Computed once, by the agent, and told the same by kubectl, command line, UI and API.
 * Times are ISO 8601 UTC.
 */
export interface SyncStatus {
  readonly uid: string;
  readonly observedGeneration: number;
  readonly state: SyncState;
  /** Why, in CamelCase: the reason of the conditions. */
  readonly reason: string;
  /** One sentence for a person; with a permanent error also what to do. */
  readonly message: string;
  readonly agent?: string;
  /** True from the first time that it has caught up with this generation of the spec, with nothing held back. */
  readonly hasCaughtUp: boolean;
  /** With an earlier generation. */
  readonly hasCaughtUpBefore?: boolean;
  readonly rows: RowCounts;
  /** Rows per second over the last seconds of work. */
  readonly rowsPerSecond?: number;
  /** Encoded offset, and the text of formatOffset. */
  readonly offset?: string;
  readonly offsetText?: string;
  readonly lagSeconds?: number;
  readonly observedAt: string;
  /** Last commit of rows. */
  readonly lastSyncTime?: string;
  readonly lastPassTime?: string;
  /** formatToken. */
  readonly fencingToken?: string;
  readonly guarantee?: Guarantee;
  readonly bound?: BoundReport;
  readonly lastError?: LastError;
  /** A pass that is due has made no progress since then; whether rows wait is not known. */
  readonly overdueSince?: string;
  readonly nextPassTime?: string;
  readonly requests?: readonly RequestStatus[];
  /** Warnings of the plan that a user should see. */
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
  /** How often in a row. */
  readonly count: number;
  readonly isTransient: boolean;
}

/** Done once, as against desired. `replay` and `verify` come with dead letters and checksums: they are refused until then. */
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
  /** The caller's, executed once per value: a time, say. */
  readonly id: string;
  /** offset: the new offset and what is expected to be stored, as text. */
  readonly offset?: { readonly value: string; readonly expect: string };
  /** As far as the caller says. */
  readonly by?: string;
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

/** `2s`, `5m`, `3h`, `12d`: as kubectl writes ages. */
export function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
