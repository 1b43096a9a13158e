import type { Batch, BatchLimits, RawRequest, RowFormat } from './batch.ts';
import type { ColumnPlan, ReadColumn, TypeTable } from './column-plan.ts';
import type { ErrorCode } from './error-codes.ts';
import type { Finding } from './errors.ts';
import type { Offset } from './offset.ts';
import type { Remedies } from './remedies.ts';
import type { Secret } from './secret.ts';
import type { SessionPool } from './sessions.ts';
import type { DestinationObject, Mode, SourceObject, WriteMode } from './sync-spec.ts';
import type { Token } from './token.ts';
import type { Relation, Value } from './values.ts';

/** How to reach one system: the manifest's config and the secrets that its references name. */
export interface SystemAccess {
  /** `namespace/name` of the DataSource, for messages. */
  readonly dataSource: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** By path in the config without `SecretRef`: `password`, `tls.ca`. Undefined where no reference is given. */
  secret(path: string): Secret | undefined;
  /** Sessions that the syncs of this process share; undefined: each opening is a connection of its own. */
  readonly sessions?: SessionPool;
  /** Where files that it names must be; undefined: anywhere. */
  readonly files?: FileFolder | 'none';
}

/** Files of one namespace on an agent: ROOT/NAMESPACE/... */
export interface FileFolder {
  /** Absolute. */
  readonly root: string;
  readonly namespace: string;
}

/**
 * The connector contract; core/definition.ts says of a system what is known without its driver.
 * Everything that waits takes an AbortSignal and, when it fires, rejects with its reason.
 */
export interface Connector<D extends AnyDestination = AnyDestination> {
  readonly types: TypeTable;
  readonly remedies: Remedies;
  /** Reach, version, and whether the rights are there. Throws what connecting throws; findings carry the statement that grants them. */
  check(access: SystemAccess, signal: AbortSignal): Promise<SystemReport>;
  /** Tables and views that a user would sync; system schemas left out. */
  discover(access: SystemAccess, signal: AbortSignal): Promise<readonly Relation[]>;
  openSource(access: SystemAccess, object: SourceObject, signal: AbortSignal): Promise<Source>;
  openDestination(access: SystemAccess, object: DestinationObject, signal: AbortSignal): Promise<D>;
}

/**
 * What a system says of itself and no other one does, under whatever address it is reached (core/system-identity.ts). Empty: nothing.
 */
export type SystemIdentity = readonly string[];

export interface SystemReport {
  /** `PostgreSQL 15.18`. */
  readonly version: string;
  readonly findings: readonly Finding[];
}

// ---------------------------------------------------------------------------------------------------------------- source

/**
 * The rows of each batch have the columns, types, order, nullability, keys and collations that `describe` found (Invariant 11): verified in
 * the snapshot of the rows, or after reading them and before they are handed on. Else `read` throws SchemaChanged, and the engine plans
 * again. An order that is not proven by `relation.keys` is looked at page by page: KeyNotUnique, KeyNullable.
 */
export interface Source {
  /** Left out: systems that have none. From its first answer on, `read` throws SchemaChanged where another system answers. */
  identity?(signal: AbortSignal): Promise<SystemIdentity>;
  /** Columns, keys, size of the object. Throws TableNotFound, QueryInvalid. */
  describe(signal: AbortSignal): Promise<Relation>;
  /** Rights and settings that this object and mode need; what the bound for late rows will be. */
  check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]>;
  /** Whether the source can serve this raw request (it makes the casts and encodings in its own query). */
  canServe(request: RawRequest, columns: readonly ReadColumn[]): boolean;
  /**
   * One pass: what is new after `after`, up to what is final when the pass begins (Invariant 10).
   * Ends when it has caught up. The next batch may be read while the last is written: at most one ahead.
   */
  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd>;
  /** The zone that the server gives to new sessions, as an IANA name or `+09:00`: for columns without one. */
  timeZone(signal: AbortSignal): Promise<string>;
  /** Rows that wait after this offset, at most a rough count. For plan and status; never blocks long. */
  estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined>;
  /** The source may forget what is before this offset: it is durable (Invariant 2). A no-op for queries. */
  acknowledge(offset: Offset): Promise<void>;
  /** Gives its connection back until the next call; what it has learnt (bounds, names) stays. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export interface ReadRequest {
  readonly relation: Relation;
  readonly columns: readonly ReadColumn[];
  /** Snapshot, Id or Timestamp: LastDestination* have become Id or Timestamp with their offset. Stream reads the log. */
  readonly mode: Exclude<Mode, 'LastDestinationId' | 'LastDestinationTimestamp'>;
  /**
   * Columns that page: source.key for Snapshot; for Id [idField] or, where it is not unique, idField and the other columns of source.key;
   * source.key (after the timestamp) for Timestamp. Empty: a table without a key, read in one go.
   */
  readonly key: readonly string[];
  readonly timestampField?: string;
  /**
   * Columns that rows are told apart by at the destination, where an upsert would let rows that are equal in them overwrite each other. A
   * source in which equal values have several spellings refuses two such rows: KeyCoarser. Left out: nothing is to be looked at.
   */
  readonly distinct?: readonly string[];
  /** In which a timestampField without zone is read: source.timeZone, else the server's for new sessions. */
  readonly timeZone: string;
  /** Null: from the beginning. For Snapshot never null: { pass, key }. */
  readonly after: Offset | null;
  readonly limits: BatchLimits;
  readonly rowFormat: RowFormat;
  readonly safetyLagMs?: number;
  /** Messages about a row leave its key out. */
  readonly redactsKeys?: boolean;
  /** PassEnd.mark of a pass before, which was held back. */
  readonly mark?: string;
  /** Whoever reads leaves at the first row: the end is reached only where there was none. */
  readonly isLook?: true;
}

/** What a pass found at its end. */
export interface PassEnd {
  /** The bound in force and what holds it back, for status. */
  readonly bound: BoundReport;
  /** Rows whose cursor field is NULL: never read. Counted at most once per pass, undefined when not asked. */
  readonly nullRows?: number;
  /** Timestamp modes: canonical timestamp of the oldest row that is there but held back. */
  readonly oldestWaiting?: string;
  /**
   * Rows that were there when the pass began, or when the one of ReadRequest.mark began, were not read because they may not be final.
   * Rows that came since do not count: on a busy server there always are some.
   */
  readonly isHeldBack: boolean;
  /** Rows are there behind the last one that was read: held back, or come since. LAG is not zero. */
  readonly hasRowsWaiting?: boolean;
  /** With isHeldBack: the largest value of the field when that pass began, for the next pass. */
  readonly mark?: string;
}

export interface BoundReport {
  readonly kind: 'transactions' | 'singleWriter' | 'safetyLag' | 'none';
  /** Why not a better one: `standby`, `needs pg_read_all_stats`. */
  readonly because?: string;
  readonly heldBackBy?: HeldBackBy;
  /** In which a timestampField without zone is read; undefined where it has one. */
  readonly timeZone?: string;
}

export interface HeldBackBy {
  /** `transaction 3/1842 of shop (pid 4211, psql)`, `prepared transaction "x1"`. */
  readonly what: string;
  /** ISO 8601 UTC. */
  readonly since: string;
}

// ----------------------------------------------------------------------------------------------------------- destination

export type Guarantee = 'ExactlyOnce' | 'AtLeastOnce';

/**
 * The table is, in the transaction of each write, the one that was claimed: same identity, same columns, types and keys. Else `write` and
 * `endPass` throw SchemaChanged and nothing is committed. An offset behind the stored one is refused within a pass (Invariant 3).
 */
export interface Destination {
  /** ExactlyOnce: rows, offset and token commit together, and a lower token is refused. Known once `describe` has answered. */
  readonly guarantee: Guarantee;
  /** Of the object that it writes, in one spelling: what commit rows know it by. */
  readonly name: string;
  /** Left out: systems that have none. */
  identity?(signal: AbortSignal): Promise<SystemIdentity>;
  /** Null where the table is missing. Refuses what cannot be a destination (a view, MyISAM) by error findings in the relation. */
  describe(signal: AbortSignal): Promise<Relation | null>;
  check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]>;
  hasRows(signal: AbortSignal): Promise<boolean>;
  /** Statements that `claim` and a pass would run, for `idra plan`. */
  statements(plan: WritePlan): readonly string[];
  /** Raw ways of taking rows for this plan, best first. */
  rawRequests(plan: WritePlan): readonly RawRequest[];
  /** Rows of the commit table about this table, or about this uid and table. Empty where there is no commit table. Takes no lock. */
  commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]>;
  /**
   * Makes the commit table and the target where they are missing, ends the session of a stopped earlier owner, and stores the token
   * (Invariant 4). Throws `fenced` when a higher one is stored. After it, only this token writes (Invariant 3).
   */
  claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow>;
  /** The largest values of these columns at the destination, compared in their order; null when it is empty. After the claim. */
  largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null>;
  /**
   * Starts or resumes a pass. Replace makes or finds its shadow table; isAtomic: the whole pass is one transaction. SchemaChanged where the
   * shadow table that is found is not of this plan: the engine begins the pass again under the next number.
   */
  beginPass(pass: PassStart, signal: AbortSignal): Promise<void>;
  /** Rows and offset in one transaction where the system can, with the token checked in the same round trip as COMMIT (Invariant 1, 3). */
  write(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** The pass is complete: offset as given; Replace checks its counts and swaps. */
  endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult>;
  /** By hand, under the claim: set the stored offset when `expected` is what is stored (compared as text). Throws OffsetMoved. */
  setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow>;
  /** Marks the rows of a deleted sync closed; the tokens stay. Needs no claim; a lower token than the stored is refused. */
  closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void>;
  /** Gives its connection back until the next call, and the claim with it: before rows are written again, `claim` again. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A destination that holds rows and nothing else: neither offset nor token. The engine keeps the offset in the store of the Sync and writes
 * it there once rows are durable here, so a crash between the two writes rows twice and loses none (AtLeastOnce). An earlier owner that
 * still writes cannot be refused.
 */
export interface PlainDestination
  extends Pick<
    Destination,
    'name' | 'identity' | 'describe' | 'check' | 'hasRows' | 'statements' | 'rawRequests' | 'rest' | 'close'
  > {
  /** Makes what is missing. Called before rows are written, and again after each `rest`. */
  prepare(
    request: { readonly plan: WritePlan; readonly rowFormat: RowFormat },
    signal: AbortSignal,
  ): Promise<void>;
  /** Starts or resumes a pass of a Snapshot. */
  beginPass(pass: PassStart, signal: AbortSignal): Promise<void>;
  /** Returns when the rows are durable: the offset follows at once. */
  write(batch: Batch, signal: AbortSignal): Promise<PlainWriteResult>;
  /** The pass is complete: Replace puts its rows in the place of the others. */
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
  /** The table as it is, or null when claim shall create it. */
  readonly existing: Relation | null;
  readonly onError: 'Stop' | 'Skip' | 'DeadLetter';
  /** Messages about a row leave its key out. */
  readonly redactsKeys: boolean;
  /** createTable makes a unique key (not for Append with Timestamp: a history). */
  readonly hasUniqueKey: boolean;
}

/** One row of `_idra_commits`: key (uid, table). */
export interface CommitRow {
  readonly uid: string;
  readonly table: string;
  /** `namespace/name` of the Sync. */
  readonly name: string;
  /** Hash of what the offset means. */
  readonly meaning: string;
  readonly token: Token;
  /** Encoded offset (core/offset.ts), or null. */
  readonly offset: string | null;
  /** Relation.identity of the table that the offset belongs to; undefined where the system has none, or an older version wrote the row. */
  readonly target?: string;
  /** Written since the last restart. */
  readonly rows: number;
  readonly isClosed: boolean;
  /** ISO 8601 UTC of the last commit, by the destination's clock. */
  readonly time: string;
}

export interface ClaimRequest {
  readonly plan: WritePlan;
  readonly rowFormat: RowFormat;
  readonly name: string;
  readonly meaning: string;
  /** 'next': the stored one plus one (single mode). */
  readonly token: Token | 'next';
  /** 'keep': go on from what is stored (and adopt the new meaning); 'restart': offset null, rows 0. A row that is not there yet starts from nothing. */
  readonly offset: 'keep' | 'restart';
  /** False for LastDestination*: the offset column stays NULL; token and rows are kept. */
  readonly keepsOffset: boolean;
  /** Take over offset and rows of this uid's open row (a rebuilt cluster, `keep-offset`), and close it. */
  readonly adoptFrom?: string;
  /** What a row that this claim makes begins with: how far the Sync had come at another table (`keep-offset`). */
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
  /** The commit row's total after this. */
  readonly totalRows: number;
}

export interface Rejection {
  readonly code: ErrorCode;
  readonly column?: string;
  /** `id 42`, as core/row-name.ts writes it. */
  readonly row?: string;
  /** Without the row's data: `year 0 is not a date of MySQL`. */
  readonly message: string;
}

export interface OffsetChange {
  readonly uid: string;
  /** Encoded; null: none stored. */
  readonly expected: string | null;
  readonly offset: string | null;
  readonly token: Token;
}
