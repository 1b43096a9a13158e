import type { TrendKind, TrendPoint } from '../core/trend.ts';

/** The points of all Syncs of one agent for one interval. */
export interface TrendSlot {
  readonly kind: TrendKind;
  /** Number of the interval since 1970. */
  readonly tick: number;
  readonly agent: string;
  /** By uid. */
  readonly points: ReadonlyMap<string, TrendPoint>;
}
