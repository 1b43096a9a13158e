/** How much of a DataSource's maxRowsPerSecond the syncs of one agent would use. */
export interface RateDemand {
  /** Number of syncs that move rows. */
  readonly syncs: number;
  /** They use at most this rate, even if more is available; undefined: as much as they get. */
  readonly rowsPerSecond?: number;
}

/**
 * The share of a limit that one agent may use, so that all shares together equal the limit: equal for each sync, and what one agent does
 * not use is divided among the others. All agents compute the same result from the same demands.
 */
export function shareOf(limit: number, own: RateDemand | undefined, others: readonly RateDemand[]): number {
  if (!own || own.syncs === 0) return 0;
  let open = [own, ...others].filter(({ syncs }) => syncs > 0);
  let left = limit;
  for (;;) {
    const perSync = left / open.reduce((sum, { syncs }) => sum + syncs, 0);
    const modest = open.filter(({ syncs, rowsPerSecond }) => (rowsPerSecond ?? limit) < perSync * syncs);
    // If all agents use less than their share, none needs to be limited further.
    if (modest.length === 0 || modest.length === open.length) return perSync * own.syncs;
    if (modest.includes(own)) return own.rowsPerSecond ?? 0;
    for (const { rowsPerSecond = 0 } of modest) left -= rowsPerSecond;
    open = open.filter((each) => !modest.includes(each));
  }
}
