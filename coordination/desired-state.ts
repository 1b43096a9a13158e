import type { SyncIdentity } from '../core/sync-spec.ts';

/** A Sync as a user wrote it. `spec` is the manifest's spec, validated but not resolved; whoever runs it resolves it (core/manifest). */
export interface DesiredSync extends SyncIdentity {
  readonly generation: number;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly spec: unknown;
  /** The annotation idra.dev/suspend, which takes precedence over spec.suspend. */
  readonly isSuspendedByAnnotation?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Set if the Sync is being deleted: an agent stops it, closes its commit rows and deletes all its keys. ISO 8601 UTC. */
  readonly deletedAt?: string;
  readonly version: string;
}

export interface DesiredDataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: unknown;
  readonly version: string;
}

export type New<T> = Omit<T, 'version'>;

export interface DesiredState {
  /** Everything, read in pages at one revision; without deleted syncs that agents have cleaned up. */
  read(): Promise<{
    readonly syncs: readonly DesiredSync[];
    readonly dataSources: readonly DesiredDataSource[];
  }>;
  getSync(uid: string): Promise<DesiredSync | undefined>;
  findSync(namespace: string, name: string): Promise<DesiredSync | undefined>;
  getDataSource(namespace: string, name: string): Promise<DesiredDataSource | undefined>;
  /**
   * Writes only if something differs. With `ifVersion`: only if that version is stored ('' = none), otherwise throws Conflict
   * (transient).
   */
  putSync(sync: New<DesiredSync>, ifVersion?: string): Promise<void>;
  /** Creates a Sync if no other Sync has its name, or all that have it are being deleted; otherwise throws Conflict (transient). */
  createSync(sync: New<DesiredSync>): Promise<void>;
  putDataSource(dataSource: New<DesiredDataSource>, ifVersion?: string): Promise<void>;
  deleteDataSource(namespace: string, name: string, ifVersion?: string): Promise<void>;
  /**
   * Deletes all keys of the Sync that this side writes; the other side deletes its own (coordination/state/removal.ts). Called by the
   * agent that has closed its rows, or at the time limit.
   */
  purgeSync(uid: string, side: Side): Promise<void>;
  /**
   * The same for a Sync that no agent holds and none has ever claimed, so that it left nothing anywhere. Returns false if it may have
   * been claimed, or is held.
   */
  purgeUnclaimed(uid: string, side: Side): Promise<boolean>;
  /** For the leader: deletes what is left of a Sync that is no longer in the desired state. Does nothing while it is. */
  purgeRemoved(uid: string): Promise<void>;
  /** For operator and command line: deletes the desired state of deleted syncs that agents have cleaned up. */
  purgeFinished(): Promise<void>;
}

/** Which side writes: desired state (operator, command line), or observed state (agents). */
export type Side = 'operator' | 'agent';
