import type {
  ClusterView,
  DesiredDataSource,
  DesiredSync,
  UnassignedSync,
} from '../../coordination/contract.ts';
import { asIdraError, describeError } from '../../core/errors.ts';
import type { Placement } from '../../core/sync-spec.ts';
import type { BalanceSync } from './balance-input.ts';

/** The parts of a Sync's manifest that the balancer needs. */
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

/** Reads manifests as written by users. Throws the error of an invalid manifest. */
export interface Manifests {
  needsOfSync(sync: DesiredSync): SyncNeeds;
  needsOfDataSource(dataSource: DesiredDataSource): DataSourceNeeds;
}

/** Manifests, with errors as text. */
export interface ReadManifests {
  needsOfSync(sync: DesiredSync): SyncNeeds | Unfit;
  needsOfDataSource(dataSource: DesiredDataSource): DataSourceNeeds | Unfit;
}

export interface Unfit {
  readonly unfit: string;
}

/** Caches by object identity: the view keeps the same object until it changes. */
export function remembering(manifests: Manifests): ReadManifests {
  return {
    needsOfSync: remember((sync: DesiredSync) => manifests.needsOfSync(sync)),
    needsOfDataSource: remember((dataSource: DesiredDataSource) => manifests.needsOfDataSource(dataSource)),
  };
}

function remember<Key extends object, Needs>(read: (key: Key) => Needs): (key: Key) => Needs | Unfit {
  const known = new WeakMap<Key, { readonly needs: Needs | Unfit }>();
  return (key) => {
    const found = known.get(key) ?? { needs: orUnfit(() => read(key)) };
    known.set(key, found);
    return found.needs;
  };
}

function orUnfit<Needs>(read: () => Needs): Needs | Unfit {
  try {
    return read();
  } catch (thrown) {
    return { unfit: describeError(asIdraError(thrown)) };
  }
}

function isUnfit(needs: object): needs is Unfit {
  return 'unfit' in needs;
}

/** A sync to be run by an agent, at the current versions. */
export interface WantedSync {
  readonly balance: BalanceSync;
  readonly syncVersion: string;
  readonly sourceVersion: string;
  readonly destinationVersion: string;
}

export interface Wanted {
  readonly syncs: readonly WantedSync[];
  readonly cannotRun: readonly UnassignedSync[];
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
 * The syncs to be run. A suspended one is included only if a request is pending or it is to be deleted, because only an agent can do
 * that. `recentMoves` of an assignment count for `memoryMs`; `nowMs` is wall-clock time.
 */
export function wantedSyncs(
  view: ClusterView,
  manifests: ReadManifests,
  nowMs: number,
  memoryMs: number,
): Wanted {
  const sources = new Map<string, Found>();
  for (const [name, dataSource] of view.dataSources) {
    const needs = manifests.needsOfDataSource(dataSource);
    if (!isUnfit(needs)) sources.set(name, { name, needs, version: dataSource.version });
  }
  const cannotRun: UnassignedSync[] = [];
  const candidates: Candidate[] = [];
  for (const sync of view.syncs.values()) {
    const found = candidateOf(sync, view, manifests, sources);
    if (found && 'reason' in found) cannotRun.push(found);
    else if (found) candidates.push(found);
  }
  const users = countUsers(candidates);
  const weightOf = weigh(users, view);
  const midPass = new Set([...view.agents.values()].flatMap((agent) => agent.midPass ?? []));
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
        isMidPass: midPass.has(sync.uid),
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
  manifests: ReadManifests,
  sources: ReadonlyMap<string, Found>,
): Candidate | UnassignedSync | undefined {
  const { uid } = sync;
  const needs = manifests.needsOfSync(sync);
  if (isUnfit(needs)) return { uid, reason: 'InvalidSpec', message: needs.unfit };
  const isSuspended = sync.isSuspendedByAnnotation ?? needs.isSuspended;
  if (isSuspended && sync.deletedAt === undefined && !view.withRequests.has(uid)) return undefined;
  const [source, destination] = [sources.get(needs.source), sources.get(needs.destination)];
  if (source && destination) return { sync, needs, ends: [source, destination] };
  const missing = source ? needs.destination : needs.source;
  return { uid, reason: 'DataSourceNotFound', message: whatIsMissing(missing, view, manifests) };
}

function whatIsMissing(name: string, view: ClusterView, manifests: ReadManifests): string {
  const dataSource = view.dataSources.get(name);
  const needs = dataSource && manifests.needsOfDataSource(dataSource);
  if (needs && isUnfit(needs)) return `DataSource ${name} is not valid: ${needs.unfit}`;
  return `DataSource ${name} does not exist; apply it`;
}

/**
 * The weight in the manifest, else the measured load, else 1. If a DataSource lets only some of its syncs run concurrently, each of them
 * counts proportionally less. Measured loads are rounded to the next power of two, so that noise causes no moves.
 */
function weigh(users: ReadonlyMap<string, number>, view: ClusterView) {
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

function countUsers(candidates: readonly Candidate[]): Map<string, number> {
  const users = new Map<string, number>();
  for (const { ends } of candidates)
    for (const name of new Set(ends.map((end) => end.name))) users.set(name, (users.get(name) ?? 0) + 1);
  return users;
}

function toStep(load: number): number {
  return 2 ** Math.min(6, Math.max(-3, Math.round(Math.log2(Math.max(load, 1 / 8)))));
}
