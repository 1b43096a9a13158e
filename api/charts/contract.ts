import type { SyncIdentity } from '../../core/sync-spec.ts';
import type { TrendKind } from '../../core/trend.ts';
import type { TimedPoint, TotalPoint } from '../views/trends.ts';

/** Whose Syncs a total is of: all, or those of some namespaces. */
export type ChartScope = '*' | ReadonlySet<string>;

export type Lags = readonly (number | null)[];

/** Where the points of charts come from. */
export interface Charts {
  readonly source: 'agents' | 'prometheus';
  /** Oldest first. */
  of(sync: SyncIdentity, kind: TrendKind, signal: AbortSignal): Promise<readonly TimedPoint[]>;
  /** The worst lag of each of the sixty minutes before `untilMs`, oldest first, in the order of the Syncs; null: not known. */
  lags(syncs: readonly SyncIdentity[], untilMs: number, signal: AbortSignal): Promise<readonly Lags[]>;
  total(scope: ChartScope, kind: TrendKind, signal: AbortSignal): Promise<readonly TotalPoint[]>;
}
