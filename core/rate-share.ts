/** What the syncs of one agent would use of a DataSource's maxRowsPerSecond. */
export interface RateDemand {
  /** Syncs that move rows. */
  readonly syncs: number;
  /** They use no more than this, though they may; undefined: as much as they get. */
  readonly rowsPerSecond?: number;
}

/**
 * The part of a limit that one agent may use, so that all parts together are the limit: equal for each sync, and what one agent leaves
 * over is the others'. Everybody computes the same from the same demands.
 */
export function shareOf(limit: number, own: RateDemand | undefined, others: readonly RateDemand[]): number {
  if (!own || own.syncs === 0) return 0;
  let open = [own, ...others].filter(({ syncs }) => syncs > 0);
  let left = limit;
  for (;;) {
    const perSync = left / open.reduce((sum, { syncs }) => sum + syncs, 0);
    const modest = open.filter(({ syncs, rowsPerSecond }) => (rowsPerSecond ?? limit) < perSync * syncs);
    // Where all are modest nobody is kept from more than it uses.
    if (modest.length === 0 || modest.length === open.length) return perSync * own.syncs;
    if (modest.includes(own)) return own.rowsPerSecond ?? 0;
    for (const { rowsPerSecond = 0 } of modest) left -= rowsPerSecond;
    open = open.filter((each) => !modest.includes(each));
  }
}
