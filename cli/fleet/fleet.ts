import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../../core/status.ts';
import type { SyncIdentity } from '../../core/sync-spec.ts';

/** A Sync as a person asks for it: what is wanted of it, and what it says. */
export interface FleetSync extends SyncIdentity {
  readonly generation: number;
  readonly createdAt: string;
  /** The manifest's. */
  readonly spec: unknown;
  readonly isSuspended: boolean;
  readonly isDeleted: boolean;
  readonly status: SyncStatus | undefined;
}

/**
 * Where running syncs are asked and told things: a cluster with Kubernetes (annotations on the Sync, so that RBAC decides who may),
 * one without (keys in etcd), or the state file of single mode.
 */
export interface Fleet {
  /** For messages: `etcd at 127.0.0.1:2379`. */
  readonly place: string;
  /** Where a Sync is looked for when none is named: that of the kubeconfig. Left out: `default`. */
  readonly namespace?: string;
  /** All namespaces when undefined. By namespace and name. */
  listSyncs(namespace: string | undefined): Promise<readonly FleetSync[]>;
  findSync(namespace: string, name: string): Promise<FleetSync | undefined>;
  post(sync: FleetSync, request: Request): Promise<void>;
  /** The answer to a request, when there is one. */
  answer(sync: FleetSync, request: Request): Promise<RequestStatus | undefined>;
  history(sync: FleetSync): Promise<readonly OffsetHistoryEntry[]>;
  suspend(sync: FleetSync, isSuspended: boolean): Promise<void>;
  close(): Promise<void>;
}
