import type { Agent, AgentHold, DataSourceReport, LockInfo } from '../coordination/contract.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import type { Secret } from '../core/secret.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../core/status.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { FieldOwner } from './field-owners.ts';

/** The desired state of a Sync and its status. */
export interface FleetSync extends SyncIdentity {
  readonly generation: number;
  readonly createdAt: string;
  /** Set when deletion was requested; cleanup is not finished yet. */
  readonly deletedAt?: string;
  /** The spec of the manifest. */
  readonly spec: unknown;
  readonly isSuspended: boolean;
  /** The value of the annotation idra.dev/suspend, if present. */
  readonly isSuspendedByAnnotation?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Changes with each change of the desired state, not with the status: for `put` with `ifVersion`. Compared only for equality. */
  readonly version: string;
  /** Who has set the spec last, as Kubernetes names it: `helm`, `kubectl-edit`. Several: within one second. */
  readonly changedBy?: readonly string[];
  /** The effective status (core/effective-status.ts). Undefined: nothing has been reported yet. */
  readonly status: SyncStatus | undefined;
}

export interface FleetDataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** As that of a FleetSync. */
  readonly version: string;
  /** The spec of the manifest. */
  readonly spec: unknown;
  /** `postgres`, `mysql`...; empty if the spec names no system. */
  readonly type: string;
  /** Number of Syncs that use it. */
  readonly syncs: number;
  /** Result of the last check. */
  readonly report?: DataSourceReport;
  /** Why the report may be outdated: agents cannot write another one. */
  readonly outdated?: Pick<SyncStatus, 'reason' | 'message'>;
}

export interface FleetAgent extends Agent {
  readonly isLeader: boolean;
  /** A user has cordoned or drained it. */
  readonly hold?: AgentHold;
  /** Uids of the Syncs that are assigned to this agent. */
  readonly syncs: readonly string[];
}

export interface FleetLock extends LockInfo {
  /** `namespace/name`, or the uid if the Sync no longer exists. */
  readonly sync: string;
}

/** Values of a Secret. Printing it gives no value. */
export interface NewSecret {
  readonly namespace: string;
  readonly name: string;
  readonly values: ReadonlyMap<string, Secret>;
}

/** A valid manifest, ready to be stored. */
export interface FleetManifest {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
  /** With defaults filled in, as the API server of Kubernetes would store it. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly isSuspendedByAnnotation?: boolean;
  /** Omitted: those that are stored are kept. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PutOptions {
  readonly isDryRun?: boolean;
  /** Only if this version is stored ('' = none); otherwise throws VersionChanged. */
  readonly ifVersion?: string;
  /** Kubernetes: also changes fields that kubectl applied from a file; never those of Helm or Git. */
  readonly takesOwnership?: boolean;
}

export interface Applied {
  readonly kind: ManifestKind;
  readonly name: string;
  readonly action: 'created' | 'configured' | 'unchanged';
  /** The object as currently stored. */
  readonly object: unknown;
}

/**
 * The Syncs and DataSources of one installation: a cluster with Kubernetes (custom resources, with the caller's rights), a cluster
 * without Kubernetes (etcd keys), or the state file of single mode. Operations that one of them does not support throw NotOfferedHere.
 */
export interface Fleet {
  /** For messages: `etcd at 127.0.0.1:2379`. */
  readonly place: string;
  /** The default namespace: that of the kubeconfig. Omitted: `default`. */
  readonly namespace?: string;
  /** False: a request waits for the next run. */
  readonly answersAtOnce: boolean;

  /** Undefined: all namespaces. Sorted by namespace and name. */
  listSyncs(namespace: string | undefined): Promise<readonly FleetSync[]>;
  findSync(namespace: string, name: string): Promise<FleetSync | undefined>;
  listDataSources(namespace: string | undefined): Promise<readonly FleetDataSource[]>;
  findDataSource(namespace: string, name: string): Promise<FleetDataSource | undefined>;

  /** Stores what differs. With `isDryRun` stores nothing. */
  put(manifest: FleetManifest, options?: PutOptions): Promise<Applied>;
  /**
   * Requests deletion: an agent stops the Sync, closes its rows at the destination and deletes its keys. `isGone` reports when that is
   * done.
   */
  deleteSync(sync: SyncIdentity): Promise<void>;
  /** Whether a deleted Sync is fully cleaned up. */
  isGone(sync: SyncIdentity): Promise<boolean>;
  /** Throws DataSourceInUse while a Sync uses it; on Kubernetes it is deleted once none does. False: not found. */
  deleteDataSource(namespace: string, name: string): Promise<boolean>;

  post(sync: SyncIdentity, request: Request): Promise<void>;
  /** Requests that have not been executed yet. */
  pending(sync: SyncIdentity): Promise<readonly Request[]>;
  /** The last answer to each type of request. */
  answers(sync: SyncIdentity): Promise<readonly RequestStatus[]>;
  /** Manual changes of the offset. */
  history(sync: SyncIdentity): Promise<readonly OffsetHistoryEntry[]>;
  suspend(sync: FleetSync, isSuspended: boolean): Promise<void>;
  /** Sets labels; null deletes one. */
  label(sync: FleetSync, labels: Readonly<Record<string, string | null>>): Promise<void>;
  /** Sets keys of a Secret that was made here before, or makes it. Nothing of a Secret is ever read. */
  putSecret(secret: NewSecret): Promise<void>;
  /** Who has set which field of the spec; empty where nobody is recorded. */
  fieldOwners(kind: ManifestKind, namespace: string, name: string): Promise<readonly FieldOwner[]>;
  close(): Promise<void>;
}
