import {
  bytesOfPoint,
  decodePoint,
  encodePoint,
  type TrendKind,
  type TrendPoint,
  trendKinds,
} from '../../core/trend.ts';

export interface TimedPoint extends TrendPoint {
  readonly time: string;
}

const minutes = 60;
const minuteMs = 60_000;

interface Slot {
  readonly kind: TrendKind;
  readonly tick: number;
  readonly points: ReadonlyMap<string, TrendPoint>;
}

/** Points of one Sync in a ring, with the tick of each: what is older than the ring is overwritten. */
interface Ring {
  readonly points: Uint8Array;
  readonly ticks: Uint32Array;
}

/** The charts of all Syncs in memory: 8 KiB each. */
export class TrendMemory {
  readonly #rings: Readonly<Record<TrendKind, Map<string, Ring>>> = { fine: new Map(), coarse: new Map() };
  #generation = 0;
  readonly #totals = new Map<
    string,
    { readonly generation: number; readonly points: readonly TotalPoint[] }
  >();

  add({ kind, tick, points }: Slot): void {
    const { count } = trendKinds[kind];
    this.#generation += 1;
    for (const [uid, point] of points) {
      const ring = this.#rings[kind].get(uid) ?? newRing(count);
      this.#rings[kind].set(uid, ring);
      const at = tick % count;
      ring.points.set(encodePoint(point), at * bytesOfPoint);
      ring.ticks[at] = tick;
    }
  }

  /** Oldest first; intervals without a point are left out. */
  of(uid: string, kind: TrendKind, nowMs: number): readonly TimedPoint[] {
    const { stepMs, count } = trendKinds[kind];
    const ring = this.#rings[kind].get(uid);
    const last = Math.floor(nowMs / stepMs);
    const found: TimedPoint[] = [];
    for (let tick = last - count + 1; ring && tick <= last; tick++) {
      if (ring.ticks[tick % count] !== tick) continue;
      found.push({ time: new Date((tick + 1) * stepMs).toISOString(), ...pointIn(ring, tick % count) });
    }
    return found;
  }

  /** The worst lag of each of the sixty minutes before `untilMs`, oldest first; null: not known. */
  lags(uid: string, untilMs: number): readonly (number | null)[] {
    const { stepMs, count } = trendKinds.fine;
    const ring = this.#rings.fine.get(uid);
    const lags = Array.from({ length: minutes }, (): number | null => null);
    if (!ring) return lags;
    const first = Math.floor(untilMs / minuteMs) - minutes;
    for (let at = 0; at < count; at++) {
      const index = Math.floor(((ring.ticks[at] ?? 0) * stepMs) / minuteMs) - first;
      if (index < 0 || index >= minutes) continue;
      const { lag } = pointIn(ring, at);
      if (lag !== undefined) lags[index] = Math.max(lags[index] ?? 0, lag);
    }
    return lags;
  }

  /** Sum of the rates and worst lag of these Syncs. Kept until something is added, as all viewers of a page ask for the same. */
  total(key: string, uids: Iterable<string>, kind: TrendKind, nowMs: number): readonly TotalPoint[] {
    const known = this.#totals.get(`${kind} ${key}`);
    if (known?.generation === this.#generation) return known.points;
    const points = this.#sum(uids, kind, nowMs);
    if (this.#totals.size > 100) this.#totals.clear();
    this.#totals.set(`${kind} ${key}`, { generation: this.#generation, points });
    return points;
  }

  forget(uid: string): void {
    for (const rings of Object.values(this.#rings)) rings.delete(uid);
  }

  #sum(uids: Iterable<string>, kind: TrendKind, nowMs: number): readonly TotalPoint[] {
    const { stepMs, count } = trendKinds[kind];
    const last = Math.floor(nowMs / stepMs);
    const sums = Array.from({ length: count }, () => ({ rate: 0, worstLag: 0, failing: 0, syncs: 0 }));
    for (const uid of uids) {
      const ring = this.#rings[kind].get(uid);
      if (!ring) continue;
      for (let at = 0; at < count; at++) {
        const index = (ring.ticks[at] ?? 0) - (last - count + 1);
        const sum = index < 0 ? undefined : sums[index];
        if (!sum) continue;
        const { rate, lag = 0, isFailing } = pointIn(ring, at);
        sum.rate += rate;
        sum.worstLag = Math.max(sum.worstLag, lag);
        sum.failing += Number(isFailing);
        sum.syncs += 1;
      }
    }
    return sums.flatMap((sum, index) =>
      sum.syncs === 0 ? [] : [{ time: new Date((last - count + 2 + index) * stepMs).toISOString(), ...sum }],
    );
  }
}

export interface TotalPoint {
  readonly time: string;
  readonly rate: number;
  readonly worstLag: number;
  readonly failing: number;
  readonly syncs: number;
}

function newRing(count: number): Ring {
  return { points: new Uint8Array(count * bytesOfPoint), ticks: new Uint32Array(count) };
}

function pointIn({ points }: Ring, at: number): TrendPoint {
  return decodePoint(points[at * bytesOfPoint] ?? 0, points[at * bytesOfPoint + 1] ?? 0);
}
