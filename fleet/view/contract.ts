import type { Assignment, LockInfo } from '../../coordination/contract.ts';
import type { FleetAgent, FleetDataSource, FleetSync } from '../contract.ts';

/** What has changed; the object itself is read from the view. */
export type ViewChange =
  | { readonly kind: 'sync'; readonly uid: string }
  | { readonly kind: 'dataSource'; readonly name: string }
  | { readonly kind: 'agents' | 'locks' | 'outage' };

/** Why the view may be outdated, since when. */
export interface Outage {
  readonly code: string;
  readonly message: string;
  /** ISO 8601 UTC. */
  readonly since: string;
}

/**
 * All objects of an installation in memory, kept current by watches: lists of thousands of Syncs are answered without reading them again.
 */
export interface FleetView {
  /** Resolves when everything has been read once. */
  readonly isSynced: Promise<void>;
  readonly outage: Outage | undefined;
  /** In no order. */
  syncs(): Iterable<FleetSync>;
  getSync(uid: string): FleetSync | undefined;
  /** If several have the name, the one that is not being deleted. */
  findSync(namespace: string, name: string): FleetSync | undefined;
  dataSources(): Iterable<FleetDataSource>;
  findDataSource(namespace: string, name: string): FleetDataSource | undefined;
  /** Sorted by name; empty in single mode. */
  agents(): readonly FleetAgent[];
  assignmentOf(uid: string): Assignment | undefined;
  locks(): readonly LockInfo[];
  /** Called for each change, after it is visible. Returns a function that ends it. */
  onChange(listener: (change: ViewChange) => void): () => void;
  close(): Promise<void>;
}
