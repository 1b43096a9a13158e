import type { UnassignedReason } from '../core/effective-status.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../core/status.ts';
import type { SourceObject, SyncIdentity } from '../core/sync-spec.ts';
import type { SyncLock, SyncProgress, SyncStore } from '../core/sync-store.ts';
import type { DesiredDataSource, DesiredState, DesiredSync } from './desired-state.ts';
import type { DocumentStore } from './documents.ts';
import type { AgentHold, Scheduling } from './scheduling.ts';
import type { TrendSlot } from './trends.ts';

export type * from './desired-state.ts';
export type * from './scheduling.ts';

/**
 * The interface to etcd for agents, operator and command line. Implemented by coordination/connect.ts; nothing else imports the client.
 * Everything that waits takes an AbortSignal. Versions are etcd's mod revisions as decimal text.
 */
export interface Coordination {
  readonly desired: DesiredState;
  readonly reports: Reports;
  readonly requests: Requests;
  readonly probes: Probes;
  readonly epoch: Epoch;
  readonly cluster: ClusterReader;
  readonly scheduling: Scheduling;
  readonly trials: Trials;
  readonly trends: Trends;
  /** Of the API server; agents and operator have no right to them. */
  readonly documents: DocumentStore;
  /** Reports everything that exists, then each change. Needs only rights to read, those of idra-api. */
  observe(sink: ObservationSink, onError: (error: Error) => void): Observation;
  /** Joins as an agent: one lease, one key. Rejects with AgentNameTaken while a live agent has the name. */
  join(agent: AgentInfo, options: JoinOptions): Promise<AgentSession>;
  /** Rejects with EtcdUnavailable (transient) if no endpoint answers in time. */
  ping(signal?: AbortSignal): Promise<void>;
  /** Rejects with EtcdFull (transient) while etcd answers but refuses writes. Writes nothing; needs the right to write `removed/`. */
  checkWrites(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

// ------------------------------------------------------------------------------------------------------------ reports

export interface DataSourceReport {
  readonly namespace: string;
  readonly name: string;
  /** Of the DataSource that was checked: another one may have been created under its name. Omitted by earlier versions. */
  readonly uid?: string;
  /** Generation of the DataSource that was checked. */
  readonly generation: number;
  readonly isReachable: boolean;
  readonly serverVersion?: string;
  readonly code?: string;
  readonly message: string;
  /** ISO 8601 UTC. */
  readonly checkedAt: string;
  readonly agent: string;
}

/** What agents report about syncs and data sources. */
export interface Reports {
  readStatus(uid: string): Promise<SyncStatus | undefined>;
  readStatuses(): Promise<ReadonlyMap<string, SyncStatus>>;
  readDataSources(): Promise<readonly DataSourceReport[]>;
  putDataSource(report: DataSourceReport): Promise<void>;
  /** Delivers all existing statuses, then each change; a deleted status is delivered as undefined. Survives reconnects and compaction. */
  watchStatuses(
    listener: (uid: string, status: SyncStatus | undefined) => void,
    onError: (error: Error) => void,
  ): Watching;
  watchDataSources(listener: (report: DataSourceReport) => void, onError: (error: Error) => void): Watching;
  /** Syncs that nobody can run, by uid, as the leader sees them now; this affects the displayed status (core/effective-status.ts). */
  readUnassigned(): Promise<ReadonlyMap<string, UnassignedReason>>;
  /** Like watchStatuses. Undefined if the Sync can run again, or there is no leader to report it. */
  watchUnassigned(
    listener: (uid: string, reason: UnassignedReason | undefined) => void,
    onError: (error: Error) => void,
  ): Watching;
}

/** A list and watch that restarts itself. */
export interface Watching {
  /** Resolves when the first list has been delivered. */
  readonly isSynced: Promise<void>;
  close(): Promise<void>;
}

// ----------------------------------------------------------------------------------------------------------- requests

export interface Requests {
  /** Returns false if this (type, id) was executed or is already pending. */
  post(uid: string, request: Request): Promise<boolean>;
  pending(uid: string): Promise<readonly Request[]>;
  /** The last answer of each type. */
  answers(uid: string): Promise<readonly RequestStatus[]>;
  history(uid: string): Promise<readonly OffsetHistoryEntry[]>;
}

export type ProbeKind = 'check' | 'plan' | 'discover' | 'preview' | 'offset' | 'moves' | 'rebalance';

/** A query that is answered by an agent that can reach the system: only agents load drivers and read credentials. */
export interface Probe {
  readonly id: string;
  readonly kind: ProbeKind;
  /**
   * check, discover: `namespace/name` of a DataSource. plan: the uid of a Sync, or a complete Sync that is not applied yet. preview:
   * PreviewSubject. offset: OffsetSubject. moves: MovesQuestion. rebalance: null.
   */
  readonly subject: unknown;
  /** Labels required of the answering agent. */
  readonly selector: Readonly<Record<string, string>>;
  /** The only agent that may answer: the leader, for moves and rebalance. */
  readonly agent?: string;
}

/** The first rows of an object, masked. */
export interface PreviewSubject {
  /** `namespace/name`. */
  readonly dataSource: string;
  readonly object: SourceObject;
  readonly maxRows: number;
}

/** The effect of another offset, before it is set. */
export interface OffsetSubject {
  /** As in a probe for `plan`. */
  readonly sync: unknown;
  /** As text. */
  readonly value: string;
}

export interface ProbeAnswer {
  readonly id: string;
  readonly agent: string;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Probes {
  /** Posts and waits. Throws NoAgentAnswered (transient) when the signal fires or after timeoutMs. The keys are under a lease. */
  ask(probe: Omit<Probe, 'id'>, timeoutMs: number, signal?: AbortSignal): Promise<ProbeAnswer>;
  /** For agents: each probe is taken by one agent (a claim key under its lease). */
  answer(
    session: AgentSession,
    labels: Readonly<Record<string, string>>,
    answerer: (probe: Probe) => Promise<unknown>,
    onError: (error: Error) => void,
  ): Watching;
}

export interface Epoch {
  /** 0 if none was ever raised. */
  read(): Promise<number>;
  /** Raises it to at least `atLeast`, and above the stored value. Returns the new one. */
  raise(atLeast: number): Promise<number>;
}

/** An agent connects to a DataSource for the first time since it started, or since the last failure. */
export interface Trial {
  /** `namespace/name`. */
  readonly dataSource: string;
  /** Hash of the DataSource's config: after a change it is tried again. */
  readonly identity: string;
  readonly agent: string;
  /** Of the agent's process. */
  readonly instance: string;
}

/**
 * The last protection against a server that crashes the process that connects to it. An agent that tries a DataSource first writes a
 * record, and deletes it when the trial ends, whatever its result. A record of an agent that is gone means that the trial crashed its
 * process.
 */
export interface Trials {
  /**
   * Throws DataSourceQuarantined if trials have crashed two processes and none has completed since. Call the returned function when the
   * trial has completed: it deletes the record, and those of earlier trials that crashed.
   */
  begin(trial: Trial): Promise<() => Promise<void>>;
}

// ------------------------------------------------------------------------------------------------------------- agents

export interface AgentInfo {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Version of Idra. */
  readonly version: string;
  /** New at each start of a process, to detect a restart. */
  readonly instance: string;
}

export interface Agent extends AgentInfo {
  /** ISO 8601 UTC. */
  readonly joinedAt: string;
  /** SIGTERM was received: the agent gets no new syncs and gives up those it has. */
  readonly isDraining: boolean;
  /** Measured load of each of its syncs, by uid: relative weights that the balancer uses. */
  readonly loads: Readonly<Record<string, number>>;
  /** Syncs in the middle of a long pass: they are not moved only to balance load. */
  readonly midPass?: readonly string[];
}

export interface JoinOptions {
  readonly leaseTtlMs: number;
}

/** What the agent must run, and at which versions: a change of any version restarts the sync. */
export interface Assignment {
  readonly uid: string;
  readonly agent: string;
  readonly syncVersion: string;
  readonly sourceVersion: string;
  readonly destinationVersion: string;
  /** Time of the last move. ISO 8601 UTC. */
  readonly assignedAt: string;
  /** Number of moves in short succession, including the last one: the balancer avoids moving what has moved recently. */
  readonly recentMoves?: number;
}

/** A lock in etcd requires only the identity of the Sync. */
export interface ClusterStore extends SyncStore {
  acquire(sync: SyncIdentity): Promise<SyncLock | undefined>;
  /** Does not require the lock. */
  readProgress(uid: string): Promise<SyncProgress>;
  readOffset(uid: string): Promise<string | null>;
}

/** The membership of an agent in etcd. */
export interface AgentSession {
  readonly agent: AgentInfo;
  /**
   * Aborts with Stopped('lease-lost') before the lease can have expired, measured on the monotonic clock from the sending of the last
   * confirmed renewal.
   */
  readonly signal: AbortSignal;
  readonly store: ClusterStore;
  watchAssignments(
    listener: (assignments: ReadonlyMap<string, Assignment>) => void,
    onError: (error: Error) => void,
  ): Watching;
  /**
   * Call after a failed acquire: waits until nobody is known to hold the lock of this sync; the next to acquire it may still be another
   * agent. Wakes within milliseconds of a release or the end of the holder's lease. All waiters share one watch.
   */
  untilFree(uid: string, signal: AbortSignal): Promise<void>;
  /** Milliseconds until `signal` fires unless a renewal is confirmed before then. */
  leaseLeftMs(): number;
  setDraining(): Promise<void>;
  setLoads(loads: Readonly<Record<string, number>>, midPass: readonly string[]): void;
  /** Waits until this agent is leader. It remains leader until `signal` of the leadership or the session fires, or until resign. */
  campaign(signal: AbortSignal): Promise<Leadership>;
  /** Revokes the lease: locks, slots, leadership and membership are released at once. Pending reports are written first. */
  leave(): Promise<void>;
}

export interface Leadership {
  /** Create revision of the leadership key: every write of assignments is conditional on it. */
  readonly term: string;
  readonly signal: AbortSignal;
  watchCluster(listener: (change: ClusterChange) => void, onError: (error: Error) => void): ClusterWatching;
  /** In transactions of at most 128 operations, each conditional on the leadership key. Throws `fenced` if the leadership is lost. */
  write(changes: readonly AssignmentChange[]): Promise<void>;
  /** All syncs that should run but cannot; replaces the previous report. Throws `fenced` if the leadership is lost. */
  reportUnassigned(syncs: readonly UnassignedSync[]): Promise<void>;
  resign(): Promise<void>;
}

export interface UnassignedSync extends UnassignedReason {
  readonly uid: string;
}

export type ClusterChange = 'agents' | 'holds' | 'syncs' | 'dataSources' | 'assignments' | 'requests';

export interface ClusterWatching extends Watching {
  readonly view: ClusterView;
}

/** Updated in place; keyed by uid, `namespace/name` or agent name. */
export interface ClusterView {
  readonly agents: ReadonlyMap<string, Agent>;
  /** By agent, which may not be a member. */
  readonly holds: ReadonlyMap<string, AgentHold>;
  readonly syncs: ReadonlyMap<string, DesiredSync>;
  readonly dataSources: ReadonlyMap<string, DesiredDataSource>;
  readonly assignments: ReadonlyMap<string, Assignment>;
  /** Uids of syncs that have a pending request. */
  readonly withRequests: ReadonlySet<string>;
  /** Uids of syncs that are no longer in the desired state but may still have keys of agents. */
  readonly removed: ReadonlySet<string>;
}

export type AssignmentChange =
  | { readonly kind: 'assign'; readonly assignment: Assignment; readonly from?: string }
  | { readonly kind: 'remove'; readonly uid: string; readonly from: string };

/** For display: `idra get agents`, `idra locks`. */
export interface ClusterReader {
  agents(): Promise<readonly Agent[]>;
  leader(): Promise<{ readonly agent: string; readonly term: string } | undefined>;
  assignments(): Promise<readonly Assignment[]>;
  locks(): Promise<readonly LockInfo[]>;
}

/** Points of charts. Agents write them, the API server reads them; nothing depends on them. */
export interface Trends {
  write(slot: TrendSlot): Promise<void>;
  /** Everything that is kept, then each new slot. */
  watch(listener: (slot: TrendSlot) => void, onError: (error: Error) => void): Watching;
  /** For the leader: deletes what is too old. */
  trim(nowMs: number): Promise<void>;
}

/** Receives what is observed, in the order of its changes; undefined: deleted. Must not throw. */
export interface ObservationSink {
  onSync(uid: string, sync: DesiredSync | undefined): void;
  onStatus(uid: string, status: SyncStatus | undefined): void;
  onUnassigned(uid: string, reason: UnassignedReason | undefined): void;
  onAssignment(uid: string, assignment: Assignment | undefined): void;
  /** `name`: `namespace/name`. */
  onDataSource(name: string, dataSource: DesiredDataSource | undefined): void;
  onReport(name: string, report: DataSourceReport | undefined): void;
  /** Agents, their loads and holds, assignments, or the leader have changed. */
  onAgents(): void;
  /** Locks or slots have changed. */
  onLocks(): void;
}

/** The parts of the state that are read as a whole. */
export interface Observation extends Watching {
  agents(): readonly Agent[];
  holds(): readonly AgentHold[];
  leader(): string | undefined;
  assignments(): ReadonlyMap<string, Assignment>;
  locks(): readonly LockInfo[];
}

export interface LockInfo {
  readonly kind: 'sync' | 'slot';
  /** uid of the Sync. */
  readonly uid: string;
  /** For a slot: `namespace/name` of the DataSource. */
  readonly dataSource?: string;
  readonly agent: string;
  /** formatToken for a sync's lock. */
  readonly token?: string;
  /** The slot is awaited, not held. */
  readonly isWaiting: boolean;
}
