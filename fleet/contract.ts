import type { Agent, DataSourceReport, LockInfo } from '../coordination/contract.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../core/status.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';

/** What is wanted of a Sync, and how it stands. */
export interface FleetSync extends SyncIdentity {
  readonly generation: number;
  readonly createdAt: string;
  /** It is to be deleted, and is not yet cleaned up. */
  readonly deletedAt?: string;
  /** The manifest's. */
  readonly spec: unknown;
  readonly isSuspended: boolean;
  /** What the annotation idra.dev/suspend says, where it says anything. */
  readonly isSuspendedByAnnotation?: boolean;
  /** The effective one (core/effective-status.ts). Undefined: nobody has said anything yet. */
  readonly status: SyncStatus | undefined;
}

export interface FleetDataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly createdAt: string;
  /** The manifest's. */
  readonly spec: unknown;
  /** `postgres`, `mysql`...; empty where the spec names no system. */
  readonly type: string;
  /** How many Syncs use it. */
  readonly syncs: number;
  /** Of the last check. */
  readonly report?: DataSourceReport;
}

export interface FleetAgent extends Agent {
  readonly isLeader: boolean;
  /** Uids of the Syncs that are assigned to it. */
  readonly syncs: readonly string[];
}

export interface FleetLock extends LockInfo {
  /** `namespace/name`, or the uid of a Sync that is gone. */
  readonly sync: string;
}

/** A valid manifest that is to be stored. */
export interface FleetManifest {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
  /** With its defaults, as the API server of Kubernetes would store it. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly isSuspendedByAnnotation?: boolean;
}

export interface Applied {
  readonly kind: ManifestKind;
  readonly name: string;
  readonly action: 'created' | 'configured' | 'unchanged';
  /** As it is stored now. */
  readonly object: unknown;
}

/**
 * The Syncs and DataSources of one installation: a cluster with Kubernetes (custom resources, with the caller's rights), one without (keys
 * of etcd), or the state file of single mode. What one of them does not have is refused with NotOfferedHere.
 */
export interface Fleet {
  /** For messages: `etcd at 127.0.0.1:2379`. */
  readonly place: string;
  /** The namespace where none is named: that of the kubeconfig. Left out: `default`. */
  readonly namespace?: string;
  /** False: a request waits for the next run. */
  readonly answersAtOnce: boolean;

  /** All namespaces when undefined. By namespace and name. */
  listSyncs(namespace: string | undefined): Promise<readonly FleetSync[]>;
  findSync(namespace: string, name: string): Promise<FleetSync | undefined>;
  listDataSources(namespace: string | undefined): Promise<readonly FleetDataSource[]>;
  findDataSource(namespace: string, name: string): Promise<FleetDataSource | undefined>;

  /** Stores what differs. With `isDryRun` nothing. */
  put(manifest: FleetManifest, options?: { readonly isDryRun?: boolean }): Promise<Applied>;
  /** From now on an agent stops it, closes its rows at the destination and removes its keys; `isGone` says when that is done. */
  deleteSync(sync: SyncIdentity): Promise<void>;
  /** Whether nothing is left of a Sync that was deleted. */
  isGone(sync: SyncIdentity): Promise<boolean>;
  /** Where a Sync uses it: DataSourceInUse; on Kubernetes it goes when none does any more. False: it is not there. */
  deleteDataSource(namespace: string, name: string): Promise<boolean>;

  post(sync: SyncIdentity, request: Request): Promise<void>;
  /** Requests that nobody has carried out yet. */
  pending(sync: SyncIdentity): Promise<readonly Request[]>;
  /** The last answer to each kind of request. */
  answers(sync: SyncIdentity): Promise<readonly RequestStatus[]>;
  /** Changes of the offset by hand. */
  history(sync: SyncIdentity): Promise<readonly OffsetHistoryEntry[]>;
  suspend(sync: FleetSync, isSuspended: boolean): Promise<void>;
  close(): Promise<void>;
}
