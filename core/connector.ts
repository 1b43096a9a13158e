import type { Batch, BatchLimits, RawRequest, RowFormat } from './batch.ts';
import type { ColumnPlan, ReadColumn, TypeTable } from './column-plan.ts';
import type { Finding, IdraError } from './errors.ts';
import type { Offset } from './offset.ts';
import type { BoundReport, HeldBackBy, PassEnd } from './pass-end.ts';
import type { Rejection } from './rejection.ts';
import type { Remedies } from './remedies.ts';
import type { RowCount } from './row-count.ts';
import type { Secret } from './secret.ts';
import type { SessionPool } from './sessions.ts';
import type { Deletes, DestinationObject, Mode, SourceObject, WriteMode } from './sync-spec.ts';
import type { Token } from './token.ts';
import type { Relation, Value } from './values.ts';

export type { BoundReport, HeldBackBy, PassEnd, Rejection };

/** How to reach one system: the manifest's config and the secrets that its references name. */
export interface SystemAccess {
  /** `namespace/name` of the DataSource, for messages. */
  readonly dataSource: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** By path in the config without `SecretRef`: `password`, `tls.ca`. Undefined if there is no reference. */
  secret(path: string): Secret | undefined;
  /** Sessions shared by the syncs of this process; undefined: each call opens its own connection. */
  readonly sessions?: SessionPool;
  /** Folder that contains all files named by the config; undefined: no restriction. */
  readonly files?: FileFolder | 'none';
}

/** The folder of one namespace's files on an agent: ROOT/NAMESPACE/... */
export interface FileFolder {
  /** Absolute path. */
  readonly root: string;
  readonly namespace: string;
}

/**
 * The connector contract; core/definition.ts holds what is known of a system without its driver. Every call that waits takes an
 * AbortSignal and rejects with its reason when it fires.
 */
export interface Connector<D extends AnyDestination = AnyDestination> {
  readonly types: TypeTable;
  readonly remedies: Remedies;
  /**
   * Checks reachability, version and rights. Throws what connecting throws; findings contain the statement that grants a missing right.
   */
  check(access: SystemAccess, signal: AbortSignal): Promise<SystemReport>;
  /** Tables and views that a user would sync, without system schemas. */
  discover(access: SystemAccess, signal: AbortSignal): Promise<readonly Relation[]>;
  openSource(access: SystemAccess, object: SourceObject, signal: AbortSignal): Promise<Source>;
  openDestination(access: SystemAccess, object: DestinationObject, signal: AbortSignal): Promise<D>;
  /**
   * The statement that grants what this refusal (PermissionDenied) of a source lacks; undefined: not known, or another end was refused.
   * Omitted if its errors contain the statement themselves.
   */
  missingGrant?(
    access: SystemAccess,
    object: SourceObject,
    refusal: IdraError,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

/**
 * Identifiers that a system reports about itself and that no other system has, independent of the address (core/system-identity.ts).
 * Empty: none.
 */
export type SystemIdentity = readonly string[];

export interface SystemReport {
  /** `PostgreSQL 15.18`. */
  readonly version: string;
  readonly findings: readonly Finding[];
}

// ---------------------------------------------------------------------------------------------------------------- source

/**
 * The rows of each batch have the columns, types, order, nullability, keys and collations that `describe` returned (Invariant 11):
 * verified in the snapshot of the rows, or after reading and before returning them. Otherwise `read` throws SchemaChanged, and the engine
 * plans again. An order that `relation.keys` does not prove is checked page by page: KeyNotUnique, KeyNullable.
 */
export interface Source {
  /** AtLeastOnce: a pass may return a row again, which Append writes twice. Omitted: it returns each row once. Known after `check`. */
  readonly guarantee?: 'AtLeastOnce' | undefined;
  /** Omitted for systems without an identity. After its first answer, `read` throws SchemaChanged if another system answers. */
  identity?(signal: AbortSignal): Promise<SystemIdentity>;
  /** Columns, keys and size of the object. Throws TableNotFound, QueryInvalid. */
  describe(signal: AbortSignal): Promise<Relation>;
  /** Checks the rights and settings that this object and mode need, and reports which bound for late rows will apply. */
  check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]>;
  /** Whether the source can serve this raw request (it applies the casts and encodings in its own query). */
  canServe(request: RawRequest, columns: readonly ReadColumn[]): boolean;
  /**
   * Reads one pass: the rows after `after`, up to what is final when the pass begins (Invariant 10). Ends when it has caught up. Reads at
   * most one batch ahead of the one being written.
   *
   * Stream: the changes after the token, in the order of the source; null: as startFrom says, or first everything that is there, without a
   * gap between the two. A batch ends only where a transaction of the source ends. A batch without rows stores a new token; yield one only
   * where the old one would be lost otherwise. If the changes after the token are gone: StreamHistoryLost (permanent, historyLost).
   */
  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd>;
  /**
   * Stream only. Whether the second token is a position after the first one: false stops the Sync (Invariant 3), and nothing is written. If
   * a token has several positions, none of them may go back. Needs no connection.
   */
  isAhead?(before: string, after: string): boolean;
  /** The default time zone of new sessions, as an IANA name or `+09:00`; used for columns without a zone. */
  timeZone(signal: AbortSignal): Promise<string>;
  /** A rough estimate of the rows after this offset, for plan and status; never blocks long. */
  estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined>;
  /**
   * For the dry run of an offset edit: rows between two positions, 0 if the second is not behind the first. May stop counting (atLeast).
   * Omitted, or undefined: they cannot be counted.
   */
  countBetween?(range: CountRequest, signal: AbortSignal): Promise<RowCount | undefined>;
  /** The source may discard data before this offset because it is durable (Invariant 2). A no-op for queries. */
  acknowledge(offset: Offset): Promise<void>;
  /** Releases its connection until the next call; cached knowledge (bounds, names) is kept. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export interface ReadRequest {
  readonly relation: Relation;
  readonly columns: readonly ReadColumn[];
  /** Snapshot, Id or Timestamp: LastDestination* modes are translated to Id or Timestamp with their offset. Stream reads the log. */
  readonly mode: Exclude<Mode, 'LastDestinationId' | 'LastDestinationTimestamp'>;
  /**
   * Columns to page by: source.key for Snapshot; [idField] for Id or, if it is not unique, idField and the other columns of source.key;
   * source.key (after the timestamp) for Timestamp. Empty: a table without a key, read in one query.
   */
  readonly key: readonly string[];
  readonly timestampField?: string;
  /**
   * Columns that identify rows at the destination when an upsert would let rows that are equal in them overwrite each other. A source in
   * which equal values have several spellings refuses two such rows: KeyCoarser. Omitted: no check.
   */
  readonly distinct?: readonly string[];
  /** Zone of a timestampField without one: source.timeZone, else the server's default for new sessions. */
  readonly timeZone: string;
  /** Null: from the beginning. For Snapshot never null: { pass, key }. */
  readonly after: Offset | null;
  readonly limits: BatchLimits;
  /**
   * Above `limits`: how many rows one statement may read, where each statement has a price of its own (a sort without an index), and how
   * large a batch may be that must be one statement. Omitted: `limits`.
   */
  readonly statementLimits?: BatchLimits;
  readonly rowFormat: RowFormat;
  readonly safetyLagMs?: number;
  /** Omit the key of a row from messages. */
  readonly redactsKeys?: boolean;
  /** Deletions are wanted: a source that sees them returns them. Omitted: rows of raw formats must not contain them. */
  readonly wantsDeletions?: true;
  /** Batch.newFields is wanted: the columns were inferred. */
  readonly findsNewFields?: true;
  /** PassEnd.mark of an earlier pass that was held back. */
  readonly mark?: string;
  /**
   * Stream with a continuous schedule: once it has caught up, the pass may wait for further changes, until there was none for so long or
   * the signal fires. A log that has to be opened for each pass is read faster so.
   */
  readonly lingers?: { readonly forMs: number; readonly until: AbortSignal };
  /** The caller stops at the first row, so the end is reached only if there are no rows. */
  readonly isProbe?: true;
}

/** Rows after `request.after`, up to and including a second position; `end`: all of them; null: none. */
export interface CountRequest {
  readonly request: ReadRequest;
  readonly upTo: Offset | 'end' | null;
}

// ----------------------------------------------------------------------------------------------------------- destination

export type Guarantee = 'ExactlyOnce' | 'AtLeastOnce';

/**
 * In the transaction of each write, the table must be the claimed one: same identity, columns, types and keys. Otherwise `write` and
 * `endPass` throw SchemaChanged and nothing is committed. Within a pass, an offset behind the stored one is refused (Invariant 3).
 */
export interface Destination {
  /** ExactlyOnce: rows, offset and token commit together, and a lower token is refused. Valid after `describe` has returned. */
  readonly guarantee: Guarantee;
  /** Canonical name of the object it writes, used as the key of commit rows. */
  readonly name: string;
  /** Omitted for systems without an identity. */
  identity?(signal: AbortSignal): Promise<SystemIdentity>;
  /** Null if the table is missing. Objects that cannot be a destination (a view, MyISAM) have error findings in the relation. */
  describe(signal: AbortSignal): Promise<Relation | null>;
  check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]>;
  /** False also if the table is missing. */
  hasRows(signal: AbortSignal): Promise<boolean>;
  /** Statements that `claim` and a pass would run, for `idra plan`. */
  statements(plan: WritePlan): readonly string[];
  /** Raw formats that it accepts for this plan, best first. */
  rawRequests(plan: WritePlan): readonly RawRequest[];
  /** Rows of the commit table for this table, or for this uid and table. Empty if there is no commit table. Takes no lock. */
  commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]>;
  /**
   * Creates the commit table and the target if missing, terminates the session of a stopped earlier owner, and stores the token
   * (Invariant 4). Throws `fenced` if a higher token is stored. Afterwards only this token can write (Invariant 3).
   */
  claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow>;
  /** The largest values of these columns at the destination, compared in order; null if it is empty. Legal only after the claim. */
  largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null>;
  /**
   * Starts or resumes a pass. Replace creates or finds its shadow table; isAtomic: the whole pass is one transaction. Throws
   * SchemaChanged if the existing shadow table does not match this plan: the engine restarts the pass under the next number.
   */
  beginPass(pass: PassStart, signal: AbortSignal): Promise<void>;
  /**
   * Writes rows and offset in one transaction where the system can, and checks the token in the same round trip as COMMIT (Invariant 1,
   * 3).
   */
  write(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** The pass is complete: stores the given offset; Replace checks its counts and swaps the tables. */
  endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult>;
  /**
   * Manual change, under the claim: sets the stored offset if `expected` matches the stored one (compared as text). Throws OffsetMoved.
   */
  setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow>;
  /** Marks the rows of a deleted sync closed; the tokens stay. Needs no claim; a token lower than the stored one is refused. */
  closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void>;
  /** Releases its connection and the claim until the next call: call `claim` again before writing rows. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A destination that holds rows but neither offset nor token. The engine keeps the offset in the store of the Sync and writes it there
 * once the rows are durable here, so a crash between the two writes duplicates rows but loses none (AtLeastOnce). An earlier owner that
 * still writes cannot be refused.
 */
export interface PlainDestination
  extends Pick<
    Destination,
    'name' | 'identity' | 'describe' | 'check' | 'hasRows' | 'statements' | 'rawRequests' | 'rest' | 'close'
  > {
  /** Creates what is missing. Called before rows are written, and again after each `rest`. */
  prepare(
    request: { readonly plan: WritePlan; readonly rowFormat: RowFormat },
    signal: AbortSignal,
  ): Promise<void>;
  /** Starts or resumes a pass of a Snapshot. */
  beginPass(pass: PassStart, signal: AbortSignal): Promise<void>;
  /**
   * Returns when the rows are durable: the offset is stored immediately afterwards. `after`: the stored offset before this batch, as text;
   * null: there is none. A batch that is written again after a crash has the same.
   */
  write(batch: Batch, signal: AbortSignal, after: string | null): Promise<PlainWriteResult>;
  /** The pass is complete: Replace swaps its rows in for the previous ones. */
  endPass(signal: AbortSignal): Promise<PlainWriteResult>;
}

export type AnyDestination = Destination | PlainDestination;
export type PlainWriteResult = Omit<WriteResult, 'totalRows'>;

export interface WritePlan {
  readonly uid: string;
  readonly writeMode: WriteMode;
  readonly columns: ColumnPlan;
  /** Key columns at the destination; empty for Append without one. */
  readonly key: readonly string[];
  /** The existing table, or null if `claim` must create it. */
  readonly existing: Relation | null;
  readonly onError: 'Stop' | 'Skip' | 'DeadLetter';
  /**
   * Hard: a deletion deletes the row of its key. Soft: it sets `softDeleteColumn`, if it is not set yet, and leaves the other columns as they
   * are; this column is the last of `columns`: null in other rows, so that an upsert clears it. Ignore: there are no deletions.
   */
  readonly deletes: Deletes;
  /** Omit the key of a row from messages. */
  readonly redactsKeys: boolean;
  /** createTable creates a unique key (not for Append with Timestamp or Stream, which keeps a history). */
  readonly hasUniqueKey: boolean;
}

/** One row of `_idra_commits`: key (uid, table). */
export interface CommitRow {
  readonly uid: string;
  readonly table: string;
  /** `namespace/name` of the Sync. */
  readonly name: string;
  /** The offset fingerprint: a hash of the settings that determine what the offset refers to. */
  readonly fingerprint: string;
  readonly token: Token;
  /** Encoded (core/offset.ts), or null. */
  readonly offset: string | null;
  /** Relation.identity of the table that the offset belongs to; undefined if the system has none, or an older version wrote the row. */
  readonly target?: string;
  /** Written since the last restart. */
  readonly rows: number;
  readonly isClosed: boolean;
  /** Time of the last commit by the destination's clock, ISO 8601 UTC. */
  readonly time: string;
}

export interface ClaimRequest {
  readonly plan: WritePlan;
  readonly rowFormat: RowFormat;
  readonly name: string;
  readonly fingerprint: string;
  /** 'next': the stored one plus one (single mode). */
  readonly token: Token | 'next';
  /**
   * 'keep': continue from what is stored (and adopt the new offset fingerprint); 'restart': offset null, rows 0. A new row starts from
   * nothing.
   */
  readonly offset: 'keep' | 'restart';
  /** False for LastDestination* modes: the offset column stays NULL; token and rows are kept. */
  readonly keepsOffset: boolean;
  /** Take over offset and rows from this uid's open row (a rebuilt cluster, `keep-offset`), and close that row. */
  readonly adoptFrom?: string;
  /** Initial values of a row that this claim creates: the progress of the Sync at another table (`keep-offset`). */
  readonly startsFrom?: { readonly offset: string | null; readonly rows: number };
}

export interface PassStart {
  readonly pass: number;
  readonly isResumed: boolean;
  readonly isAtomic: boolean;
}

export interface WriteResult {
  readonly written: number;
  /** Rows that the destination cannot keep (onError Skip); with Stop, write throws instead. */
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
  /** Rows that deletions deleted or marked; not part of `written`. */
  readonly deleted: number;
  /** The commit row's total after this write: without deletions. */
  readonly totalRows: number;
}

/** Column of the destination with the time of a deletion (deletes Soft): a timestamp with zone. */
export const softDeleteColumn = '_deleted_at';

export interface OffsetChange {
  readonly uid: string;
  /** Encoded; null: none stored. */
  readonly expected: string | null;
  readonly offset: string | null;
  readonly token: Token;
}
