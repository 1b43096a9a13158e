import type { SyncStatus } from '../core/status.ts';
import { knownLagSeconds } from '../core/sync-row.ts';
import { type TrendKind, type TrendPoint, trendKinds } from '../core/trend.ts';

interface Counted {
  readonly rows: number;
  readonly atMs: number;
}

interface Sums {
  rows: number;
  seconds: number;
  lag: number | undefined;
  isFailing: boolean;
}

/** Makes points of charts from the statuses that the Syncs of a process report: a fine one each time, coarse ones from these. */
export class TrendRecorder {
  readonly #counted = new Map<string, Counted>();
  readonly #sums = new Map<string, Sums>();
  #coarseTick: number | undefined;

  /** At the end of each fine interval. Returns what is to be stored, by kind. */
  take(
    statuses: Iterable<SyncStatus>,
    nowMs: number,
  ): readonly { kind: TrendKind; tick: number; points: ReadonlyMap<string, TrendPoint> }[] {
    const points = new Map<string, TrendPoint>();
    for (const status of statuses) points.set(status.uid, this.#point(status, nowMs));
    for (const uid of this.#counted.keys()) if (!points.has(uid)) this.#counted.delete(uid);
    const fine = { kind: 'fine', tick: Math.floor(nowMs / trendKinds.fine.stepMs) - 1, points } as const;
    const coarse = this.#takeCoarse(nowMs);
    return coarse ? [fine, coarse] : [fine];
  }

  #point(status: SyncStatus, nowMs: number): TrendPoint {
    const rows = status.rows.written + status.rows.deleted;
    const before = this.#counted.get(status.uid);
    this.#counted.set(status.uid, { rows, atMs: nowMs });
    const seconds = before ? Math.max(0.001, (nowMs - before.atMs) / 1_000) : 0;
    // The count starts again after the request restart.
    const added = before ? Math.max(0, rows - before.rows) : 0;
    const point: TrendPoint = {
      rate: seconds === 0 ? 0 : added / seconds,
      lag: knownLagSeconds(status),
      isFailing: status.lastError !== undefined || status.state === 'Failed',
    };
    this.#add(status.uid, point, added, seconds);
    return point;
  }

  #add(uid: string, { lag, isFailing }: TrendPoint, rows: number, seconds: number): void {
    const sums = this.#sums.get(uid) ?? { rows: 0, seconds: 0, lag: undefined, isFailing: false };
    this.#sums.set(uid, sums);
    sums.rows += rows;
    sums.seconds += seconds;
    // The worst moment is what a chart of a week is looked at for.
    if (lag !== undefined) sums.lag = Math.max(sums.lag ?? 0, lag);
    sums.isFailing ||= isFailing;
  }

  #takeCoarse(nowMs: number) {
    const tick = Math.floor(nowMs / trendKinds.coarse.stepMs);
    const isOver = this.#coarseTick !== undefined && tick !== this.#coarseTick;
    const of = this.#coarseTick ?? tick;
    this.#coarseTick = tick;
    if (!isOver) return undefined;
    const points = new Map(
      [...this.#sums].map(([uid, { rows, seconds, lag, isFailing }]) => [
        uid,
        { rate: seconds === 0 ? 0 : rows / seconds, lag, isFailing },
      ]),
    );
    this.#sums.clear();
    return { kind: 'coarse', tick: of, points } as const;
  }
}
