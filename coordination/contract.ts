import type { UnassignedReason } from '../core/effective-status.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../core/status.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { SyncLock, SyncProgress, SyncStore } from '../core/sync-store.ts';

/**
 * What agents, operator and command line have of etcd. Implemented by coordination/connect.ts; nobody else imports the client.
 * Everything that waits takes an AbortSignal. Versions are etcd's mod revisions as decimal text.
 */
export interface Coordination {
  readonly desired: DesiredState;
  readonly reports: Reports;
  readonly requests: Requests;
  readonly probes: Probes;
  readonly epoch: Epoch;
  readonly cluster: ClusterReader;
  readonly trials: Trials;
  /** Joins as an agent: one lease, one key. Rejects with AgentNameTaken while a live agent has the name. */
  join(agent: AgentInfo, options: JoinOptions): Promise<AgentSession>;
  /** Rejects with EtcdUnavailable (transient) when no endpoint answers in time. */
  ping(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

// ------------------------------------------------------------------------------------------------------- desired state

/** A Sync as a user wrote it. `spec` is the manifest's, validated; who runs it resolves it (core/manifest). */
export interface DesiredSync extends SyncIdentity {
  readonly generation: number;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly spec: unknown;
  /** The annotation idra.dev/suspend, which goes before spec.suspend. */
  readonly isSuspendedByAnnotation?: boolean;
  /** To be deleted: an agent stops it, closes its commit rows and removes all its keys. ISO 8601 UTC. */
  readonly deletedAt?: string;
  readonly version: string;
}

export interface DesiredDataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly spec: unknown;
  readonly version: string;
}

export type New<T> = Omit<T, 'version'>;

export interface DesiredState {
  /** Everything, read by page at one revision; without deleted syncs that agents have cleaned up. */
  read(): Promise<{
    readonly syncs: readonly DesiredSync[];
    readonly dataSources: readonly DesiredDataSource[];
  }>;
  getSync(uid: string): Promise<DesiredSync | undefined>;
  findSync(namespace: string, name: string): Promise<DesiredSync | undefined>;
  getDataSource(namespace: string, name: string): Promise<DesiredDataSource | undefined>;
  /** Writes only when something differs. With `ifVersion`: only when that is stored ('' = none), else throws Conflict (transient). */
  putSync(sync: New<DesiredSync>, ifVersion?: string): Promise<void>;
  /** A Sync that is made, where no other one of its name is or all of them are to be deleted; else throws Conflict (transient). */
  createSync(sync: New<DesiredSync>): Promise<void>;
  putDataSource(dataSource: New<DesiredDataSource>, ifVersion?: string): Promise<void>;
  deleteDataSource(namespace: string, name: string, ifVersion?: string): Promise<void>;
  /**
   * All keys of the Sync that this side writes; the other side removes its own (coordination/state/removal.ts). By the agent that has closed its
   * rows, or at the time limit.
   */
  purgeSync(uid: string, side: Side): Promise<void>;
  /** The same of a Sync that no agent holds and none has ever claimed: it left nothing anywhere. False: it may have, or somebody holds it. */
  purgeUnclaimed(uid: string, side: Side): Promise<boolean>;
  /** By the leader: what is left of a Sync that is gone from what is desired. Nothing happens while it is there. */
  purgeRemoved(uid: string): Promise<void>;
  /** By operator and command line: desired state of deleted syncs that agents have cleaned up. */
  purgeFinished(): Promise<void>;
}

/** Which side writes: desired state (operator, command line), or what becomes of it (agents). */
export type Side = 'operator' | 'agent';

// ------------------------------------------------------------------------------------------------------------ reports

export interface DataSourceReport {
  readonly namespace: string;
  readonly name: string;
  /** Of the DataSource that was checked. */
  readonly generation: number;
  readonly isReachable: boolean;
  readonly serverVersion?: string;
  readonly code?: string;
  readonly message: string;
  /** ISO 8601 UTC. */
  readonly checkedAt: string;
  readonly agent: string;
}

/** What agents say of syncs and data sources. */
export interface Reports {
  readStatus(uid: string): Promise<SyncStatus | undefined>;
  readStatuses(): Promise<ReadonlyMap<string, SyncStatus>>;
  readDataSources(): Promise<readonly DataSourceReport[]>;
  putDataSource(report: DataSourceReport): Promise<void>;
  /** First all that is there, then each change; a deleted status comes as undefined. Survives reconnects and compaction. */
  watchStatuses(
    listener: (uid: string, status: SyncStatus | undefined) => void,
    onError: (error: Error) => void,
  ): Watching;
  watchDataSources(listener: (report: DataSourceReport) => void, onError: (error: Error) => void): Watching;
  /** Syncs that nobody can run, by uid, as the leader sees it now: they are shown so (core/shown-status). */
  readUnassigned(): Promise<ReadonlyMap<string, UnassignedReason>>;
  /** As watchStatuses; undefined: it can run again, or there is no leader that says otherwise. */
  watchUnassigned(
    listener: (uid: string, reason: UnassignedReason | undefined) => void,
    onError: (error: Error) => void,
  ): Watching;
}

/** A list and watch that keeps itself going. */
export interface Watching {
  /** The first list has been delivered. */
  readonly isSynced: Promise<void>;
  close(): Promise<void>;
}

// ----------------------------------------------------------------------------------------------------------- requests

export interface Requests {
  /** False: this (type, id) was executed or waits already. */
  post(uid: string, request: Request): Promise<boolean>;
  pending(uid: string): Promise<readonly Request[]>;
  /** The last answer of each type. */
  answers(uid: string): Promise<readonly RequestStatus[]>;
  history(uid: string): Promise<readonly OffsetHistoryEntry[]>;
}

export type ProbeKind = 'check' | 'plan' | 'discover';

/** A question that an agent able to reach the system answers: only agents load drivers and read credentials. */
export interface Probe {
  readonly id: string;
  readonly kind: ProbeKind;
  /** check, discover: `namespace/name` of a DataSource. plan: the uid of a Sync, or a whole one that is not applied yet. */
  readonly subject: unknown;
  /** Labels that the answering agent must have. */
  readonly selector: Readonly<Record<string, string>>;
}

export interface ProbeAnswer {
  readonly id: string;
  readonly agent: string;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Probes {
  /** Posts and waits. Throws NoAgentAnswered (transient) at the signal's end or after timeoutMs. Keys go by a lease. */
  ask(probe: Omit<Probe, 'id'>, timeoutMs: number, signal?: AbortSignal): Promise<ProbeAnswer>;
  /** Agents: each probe is taken by one agent (a claim key under its lease). */
  answer(
    session: AgentSession,
    labels: Readonly<Record<string, string>>,
    answerer: (probe: Probe) => Promise<unknown>,
    onError: (error: Error) => void,
  ): Watching;
}

export interface Epoch {
  /** 0 where none was ever raised. */
  read(): Promise<number>;
  /** At least `atLeast`, and higher than what is stored. Returns the new one. */
  raise(atLeast: number): Promise<number>;
}

/** An agent speaks to a DataSource for the first time since it started, or since it failed. */
export interface Trial {
  /** `namespace/name`. */
  readonly dataSource: string;
  /** Of its config: a changed one is tried again. */
  readonly identity: string;
  readonly agent: string;
  /** Of the agent's process. */
  readonly instance: string;
}

/**
 * The last line of defence against a server that ends the process that speaks to it: an agent that tries a DataSource writes
 * a note first, and takes it back when the trial is over, whatever its result. A note of an agent that is gone is a process that the trial
 * has ended.
 */
export interface Trials {
  /**
   * Throws DataSourceQuarantined where trials have ended two processes, and none was survived since. Call what it returns when the trial
   * was survived: it takes back the note, and those of earlier trials that were not.
   */
  begin(trial: Trial): Promise<() => Promise<void>>;
}

// ------------------------------------------------------------------------------------------------------------- agents

export interface AgentInfo {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of Idra. */
  readonly version: string;
  /** New for each start of a process: distinguishes a restart. */
  readonly instance: string;
}

export interface Agent extends AgentInfo {
  /** ISO 8601 UTC. */
  readonly joinedAt: string;
  /** SIGTERM was taken: gets nothing new, and gives away. */
  readonly isDraining: boolean;
  /** Measured load of each of its syncs, by uid: relative weights that the balancer uses. */
  readonly loads: Readonly<Record<string, number>>;
  /** Syncs in the middle of a long pass: they are not moved for load alone. */
  readonly midPass?: readonly string[];
}

export interface JoinOptions {
  readonly leaseTtlMs: number;
}

/** What the agent shall run, at which versions: a change of any of them restarts it. */
export interface Assignment {
  readonly uid: string;
  readonly agent: string;
  readonly syncVersion: string;
  readonly sourceVersion: string;
  readonly destinationVersion: string;
  /** Of the last move. ISO 8601 UTC. */
  readonly assignedAt: string;
  /** Moves that came shortly one after the other, the last one among them: the balancer spares what has moved lately. */
  readonly recentMoves?: number;
}

/** A lock of etcd asks for no more than the identity of the Sync. */
export interface ClusterStore extends SyncStore {
  acquire(sync: SyncIdentity): Promise<SyncLock | undefined>;
  /** Without its lock. */
  readProgress(uid: string): Promise<SyncProgress>;
  readOffset(uid: string): Promise<string | null>;
}

/** An agent's life in etcd. */
export interface AgentSession {
  readonly agent: AgentInfo;
  /** Aborts with Stopped('lease-lost') before the lease can have run out, counted on the monotonic clock from the sending of the last confirmed renewal. */
  readonly signal: AbortSignal;
  readonly store: ClusterStore;
  watchAssignments(
    listener: (assignments: ReadonlyMap<string, Assignment>) => void,
    onError: (error: Error) => void,
  ): Watching;
  /**
   * After an acquire that failed: until nobody holds the lock of this sync, as far as is known; the next to acquire may still be
   * somebody else. Wakes within milliseconds of a release or the end of the holder's lease. One watch, however many wait.
   */
  untilFree(uid: string, signal: AbortSignal): Promise<void>;
  /** Milliseconds until `signal` fires unless a renewal is confirmed before. */
  leaseLeftMs(): number;
  setDraining(): Promise<void>;
  setLoads(loads: Readonly<Record<string, number>>, midPass: readonly string[]): void;
  /** Waits until this agent is leader, then holds it until `signal` of the leadership or the session fires, or resign. */
  campaign(signal: AbortSignal): Promise<Leadership>;
  /** Revokes the lease: locks, slots, leadership and membership are gone at once. Everything reported is written first. */
  leave(): Promise<void>;
}

export interface Leadership {
  /** Create revision of the leadership key: every write of assignments is conditional on it. */
  readonly term: string;
  readonly signal: AbortSignal;
  watchCluster(listener: (change: ClusterChange) => void, onError: (error: Error) => void): ClusterWatching;
  /** In transactions of at most 128 operations, each conditional on the leadership key. Throws `fenced` when it is lost. */
  write(changes: readonly AssignmentChange[]): Promise<void>;
  /** All syncs that should run and cannot: replaces what was reported before. Throws `fenced` when the leadership is lost. */
  reportUnassigned(syncs: readonly UnassignedSync[]): Promise<void>;
  resign(): Promise<void>;
}

export interface UnassignedSync extends UnassignedReason {
  readonly uid: string;
}

export type ClusterChange = 'agents' | 'syncs' | 'dataSources' | 'assignments' | 'requests';

export interface ClusterWatching extends Watching {
  readonly view: ClusterView;
}

/** Kept up to date in place; by uid, `namespace/name` or agent name. */
export interface ClusterView {
  readonly agents: ReadonlyMap<string, Agent>;
  readonly syncs: ReadonlyMap<string, DesiredSync>;
  readonly dataSources: ReadonlyMap<string, DesiredDataSource>;
  readonly assignments: ReadonlyMap<string, Assignment>;
  /** Uids of syncs for which a request waits. */
  readonly withRequests: ReadonlySet<string>;
  /** Uids of syncs that are gone from what is desired, and of which keys of agents may be left. */
  readonly removed: ReadonlySet<string>;
}

export type AssignmentChange =
  | { readonly kind: 'assign'; readonly assignment: Assignment; readonly from?: string }
  | { readonly kind: 'remove'; readonly uid: string; readonly from: string };

/** For people: `idra get agents`, `idra locks`. */
export interface ClusterReader {
  agents(): Promise<readonly Agent[]>;
  leader(): Promise<{ readonly agent: string; readonly term: string } | undefined>;
  assignments(): Promise<readonly Assignment[]>;
  locks(): Promise<readonly LockInfo[]>;
}

export interface LockInfo {
  readonly kind: 'sync' | 'slot';
  /** uid of the Sync. */
  readonly uid: string;
  /** Of a slot: `namespace/name` of the DataSource. */
  readonly dataSource?: string;
  readonly agent: string;
  /** formatToken for a sync's lock. */
  readonly token?: string;
  /** A slot that is waited for, not held. */
  readonly isWaiting: boolean;
}
