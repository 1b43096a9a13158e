import type { Clock } from '../../core/clock.ts';

/** Load of a sync that never waits for anything but its destination, relative to an idle one. */
const fullLoad = 8;
/** Loads are averaged over about this time, so that a burst causes no moves. */
const memoryMs = 60_000;
/** A new value is published when it differs by this factor from the last published one. */
const noise = 2;
/** A pass that has moved rows for this time is published: moving its sync to another agent would lose its slots in the middle. */
const longPassMs = 2_000;

interface Measured {
  busyMs: number;
  /** Averaged share of time in which a write is in progress. */
  share: number;
  reported: number;
  /** Time at which its pass began to move rows. */
  passSinceMs?: number | undefined;
}

/** Measures the share of time in which each sync has a write in progress; the balancer uses these as weights. */
export class LoadMeter {
  readonly #clock: Clock;
  readonly #syncs = new Map<string, Measured>();
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  add(uid: string, busyMs: number): void {
    const measured = this.#syncs.get(uid) ?? { busyMs: 0, share: 0, reported: 1 };
    measured.busyMs += busyMs;
    measured.passSinceMs ??= this.#clock.monotonicMs() - busyMs;
    this.#syncs.set(uid, measured);
  }

  /** Its pass has ended, complete or not. */
  passEnded(uid: string): void {
    const measured = this.#syncs.get(uid);
    if (measured) measured.passSinceMs = undefined;
  }

  /** Syncs in the middle of a long pass, sorted. */
  midPass(): readonly string[] {
    const sinceMs = this.#clock.monotonicMs() - longPassMs;
    return [...this.#syncs]
      .flatMap(([uid, { passSinceMs }]) => (passSinceMs !== undefined && passSinceMs <= sinceMs ? [uid] : []))
      .sort();
  }

  forget(uid: string): void {
    this.#syncs.delete(uid);
  }

  /** By uid, 1 to 8. A sync that has never been busy is omitted and counts as 1. Call periodically. */
  loads(): Readonly<Record<string, number>> {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = Math.max(1, nowMs - this.#lastMs);
    const fading = Math.exp(-passedMs / memoryMs);
    this.#lastMs = nowMs;
    const loads: Record<string, number> = {};
    for (const [uid, measured] of this.#syncs) {
      const share = Math.min(1, measured.busyMs / passedMs);
      measured.share = measured.share * fading + share * (1 - fading);
      measured.busyMs = 0;
      const load = 1 + (fullLoad - 1) * measured.share;
      if (load > measured.reported * noise || load < measured.reported / noise) measured.reported = load;
      loads[uid] = Number(measured.reported.toFixed(2));
    }
    return loads;
  }
}
