/**
 * A Sync and a DataSource as the engine sees them: validated, defaults filled in, durations in ms, sizes in bytes.
 * The manifests' own shape (and how it becomes this) is in core/manifest.
 */
export type Mode =
  | 'Snapshot'
  | 'Id'
  | 'Timestamp'
  | 'LastDestinationId'
  | 'LastDestinationTimestamp'
  | 'Stream';
export type WriteMode = 'Append' | 'Upsert' | 'Replace';
export type OnError = 'Stop' | 'Skip' | 'DeadLetter';
export type CreateTable = 'IfMissing' | 'Never';
export type SchemaChanges = 'Fail' | 'AddColumns' | 'Ignore';

export type Schedule =
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly kind: 'continuous' }
  | { readonly kind: 'once' };

/** Where to read in a system. Each system uses its own fields; the SQL systems `table` or `query`. */
export interface SourceObject {
  readonly table?: string;
  readonly query?: string;
  /** Columns that identify a row; by default the primary key, else a NOT NULL unique index. */
  readonly key?: readonly string[];
  readonly idField?: string;
  readonly timestampField?: string;
  /** IANA zone in which a timestamp column without zone is read; left out: the one that the server gives to new sessions. */
  readonly timeZone?: string;
}

export interface DestinationObject {
  readonly table: string;
  readonly key?: readonly string[];
  /** `Keep`: Append may go onto a table that has rows. */
  readonly existingRows: 'Refuse' | 'Keep';
}

export interface SyncSpec {
  readonly source: SourceObject & { readonly dataSource: string };
  readonly destination: DestinationObject & { readonly dataSource: string };
  readonly mode: Mode;
  readonly writeMode: WriteMode;
  readonly schedule: Schedule;
  readonly batch: { readonly maxRows: number; readonly maxBytes: number };
  /** Left out: 0 where a bound of the source's transactions is in force, else 5000. */
  readonly safetyLagMs?: number;
  readonly isSuspended: boolean;
  readonly createTable: CreateTable;
  readonly schemaChanges: SchemaChanges;
  readonly onError: OnError;
  readonly redactsKeys: boolean;
  readonly placement: Placement;
}

export interface Placement {
  /** Labels that an agent must have. */
  readonly agentSelector: Readonly<Record<string, string>>;
  /** Relative load for the balancer; 1 by default. */
  readonly weight?: number;
}

export interface SyncIdentity {
  /** Kubernetes' uid, or one made at the first apply. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** One Sync, ready to run. */
export interface Sync extends SyncIdentity {
  readonly generation: number;
  readonly spec: SyncSpec;
}

export type SystemType = 'postgres' | 'mysql' | 'sqlite' | 'sqlserver' | 'mongodb' | 'kafka' | 's3' | 'http';

export interface DataSourceSpec {
  readonly type: SystemType;
  /** The system's own object, as its definition's schema has parsed it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** As written; `slotLimit` gives the one in force. */
  readonly maxConcurrentSyncs?: number;
  readonly maxRowsPerSecond?: number;
  readonly placement: Placement;
}

export interface DataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly spec: DataSourceSpec;
}

/** Of a DataSource whose manifest leaves maxConcurrentSyncs out. */
export const defaultConcurrentSyncs = 8;

/** Syncs that may move rows of a DataSource at one time; undefined: no limit. */
export function slotLimit(maxConcurrentSyncs: number | undefined): number | undefined {
  const limit = maxConcurrentSyncs ?? defaultConcurrentSyncs;
  return limit === 0 ? undefined : limit;
}

/** How logs, locks and labels name a Sync or DataSource: `team-a/orders`. */
export function qualifiedName(of: { readonly namespace: string; readonly name: string }): string {
  return `${of.namespace}/${of.name}`;
}
