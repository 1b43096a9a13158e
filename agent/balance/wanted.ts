import type { ClusterView, DesiredDataSource, DesiredSync } from '../../coordination/contract.ts';
import type { Placement } from '../../core/sync-spec.ts';
import type { BalanceSync } from './assign.ts';

/** What the balancer wants to know of a Sync's manifest. */
export interface SyncNeeds {
  /** `namespace/name`. */
  readonly source: string;
  readonly destination: string;
  readonly isSuspended: boolean;
  readonly placement: Placement;
}

export interface DataSourceNeeds {
  readonly maxConcurrentSyncs?: number;
  readonly placement: Placement;
}

/** Reads manifests as users wrote them; undefined for one that cannot be run. */
export interface Manifests {
  needsOfSync(sync: DesiredSync): SyncNeeds | undefined;
  needsOfDataSource(dataSource: DesiredDataSource): DataSourceNeeds | undefined;
}

/** Reads each manifest once: the view keeps the same object until it changes. */
export function remembering(manifests: Manifests): Manifests {
  const syncs = new WeakMap<DesiredSync, { readonly needs: SyncNeeds | undefined }>();
  const sources = new WeakMap<DesiredDataSource, { readonly needs: DataSourceNeeds | undefined }>();
  return {
    needsOfSync(sync) {
      const known = syncs.get(sync) ?? { needs: manifests.needsOfSync(sync) };
      syncs.set(sync, known);
      return known.needs;
    },
    needsOfDataSource(dataSource) {
      const known = sources.get(dataSource) ?? { needs: manifests.needsOfDataSource(dataSource) };
      sources.set(dataSource, known);
      return known.needs;
    },
  };
}

/** A sync that an agent shall run, at the versions of now. */
export interface WantedSync {
  readonly balance: BalanceSync;
  readonly syncVersion: string;
  readonly sourceVersion: string;
  readonly destinationVersion: string;
}

export interface CannotRun {
  readonly uid: string;
  readonly reason: 'NoAgent' | 'NoEligibleAgent' | 'InvalidSpec' | 'DataSourceNotFound';
  readonly message: string;
}

export interface Wanted {
  readonly syncs: readonly WantedSync[];
  readonly cannotRun: readonly CannotRun[];
}

interface Candidate {
  readonly sync: DesiredSync;
  readonly needs: SyncNeeds;
  readonly ends: readonly [Found, Found];
}

interface Found {
  readonly version: string;
  readonly needs: DataSourceNeeds;
  readonly name: string;
}

/**
 * Which syncs are to be run. One that is suspended is not, unless a request waits or it is to be deleted: only an agent can do that.
 * `recentMoves` of an assignment count for `memoryMs`; `nowMs` is the wall clock's.
 */
export function wantedSyncs(
  view: ClusterView,
  manifests: Manifests,
  nowMs: number,
  memoryMs: number,
): Wanted {
  const sources = new Map<string, Found>();
  for (const [name, dataSource] of view.dataSources) {
    const needs = manifests.needsOfDataSource(dataSource);
    if (needs) sources.set(name, { name, needs, version: dataSource.version });
  }
  const cannotRun: CannotRun[] = [];
  const candidates: Candidate[] = [];
  for (const sync of view.syncs.values()) {
    const found = candidateOf(sync, view, manifests, sources);
    if (found && 'reason' in found) cannotRun.push(found);
    else if (found) candidates.push(found);
  }
  const weightOf = weigh(candidates, view);
  const syncs = candidates.map(({ sync, needs, ends: [source, destination] }): WantedSync => {
    const assigned = view.assignments.get(sync.uid);
    const isRecent = assigned !== undefined && nowMs - Date.parse(assigned.assignedAt) < memoryMs;
    const selectors = [needs, source.needs, destination.needs].map(
      ({ placement }) => placement.agentSelector,
    );
    return {
      balance: {
        uid: sync.uid,
        weight: weightOf(sync.uid, needs, [source, destination]),
        selectors,
        recentMoves: isRecent ? (assigned.recentMoves ?? 0) : 0,
        ...(assigned ? { owner: assigned.agent } : {}),
      },
      syncVersion: sync.version,
      sourceVersion: source.version,
      destinationVersion: destination.version,
    };
  });
  return { syncs, cannotRun };
}

function candidateOf(
  sync: DesiredSync,
  view: ClusterView,
  manifests: Manifests,
  sources: ReadonlyMap<string, Found>,
): Candidate | CannotRun | undefined {
  const { uid } = sync;
  const needs = manifests.needsOfSync(sync);
  if (!needs) return { uid, reason: 'InvalidSpec', message: 'its spec is not valid' };
  const isSuspended = sync.isSuspendedByAnnotation ?? needs.isSuspended;
  if (isSuspended && sync.deletedAt === undefined && !view.withRequests.has(uid)) return undefined;
  const [source, destination] = [sources.get(needs.source), sources.get(needs.destination)];
  if (source && destination) return { sync, needs, ends: [source, destination] };
  const missing = source ? needs.destination : needs.source;
  const state = view.dataSources.has(missing) ? 'is not valid' : 'does not exist';
  return { uid, reason: 'DataSourceNotFound', message: `DataSource ${missing} ${state}` };
}

/**
 * The weight that the manifest gives, else the measured load, else 1. Of the syncs of a DataSource that lets only some run at
 * once the others wait: each counts as much less. Measured loads are taken to the next power of two, so that noise moves nothing.
 */
function weigh(candidates: readonly Candidate[], view: ClusterView) {
  const users = new Map<string, number>();
  for (const { ends } of candidates)
    for (const name of new Set(ends.map((end) => end.name))) users.set(name, (users.get(name) ?? 0) + 1);
  const measured = new Map<string, number>();
  for (const { loads } of view.agents.values())
    for (const [uid, load] of Object.entries(loads)) measured.set(uid, load);
  return (uid: string, needs: SyncNeeds, ends: Candidate['ends']): number => {
    const load = measured.get(uid);
    if (needs.placement.weight === undefined && load !== undefined) return toStep(load);
    const shares = ends.map(({ name, needs: { maxConcurrentSyncs } }) =>
      maxConcurrentSyncs === undefined ? 1 : maxConcurrentSyncs / (users.get(name) ?? 1),
    );
    return (needs.placement.weight ?? 1) * Math.min(1, ...shares);
  };
}

function toStep(load: number): number {
  return 2 ** Math.min(6, Math.max(-3, Math.round(Math.log2(Math.max(load, 1 / 8)))));
}
