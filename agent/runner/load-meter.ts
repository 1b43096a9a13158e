import type { Clock } from '../../core/clock.ts';

/** A sync that never waits for anything but its destination counts as this many that have nothing to do. */
const fullLoad = 8;
/** A load is an average over about so long: a burst moves nothing. */
const memoryMs = 60_000;
/** A new value is told when it differs by so much from the one that was told last. */
const noise = 2;
/** A pass that has moved rows for so long is told: giving its sync to another agent would cost it its slots in the middle. */
const longPassMs = 2_000;

interface Measured {
  busyMs: number;
  /** Share of time with a write on its way, averaged. */
  share: number;
  told: number;
  /** When its pass began to move rows. */
  passSinceMs?: number | undefined;
}

/** How much of its time each sync has a write on its way; the weights that the balancer counts with. */
export class LoadMeter {
  readonly #clock: Clock;
  readonly #syncs = new Map<string, Measured>();
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  add(uid: string, busyMs: number): void {
    const measured = this.#syncs.get(uid) ?? { busyMs: 0, share: 0, told: 1 };
    measured.busyMs += busyMs;
    measured.passSinceMs ??= this.#clock.monotonicMs() - busyMs;
    this.#syncs.set(uid, measured);
  }

  /** Its pass is over, complete or not. */
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

  /** By uid, 1 to 8. One that has never been busy is not in it: it counts as 1. Call now and then. */
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
      if (load > measured.told * noise || load < measured.told / noise) measured.told = load;
      loads[uid] = Number(measured.told.toFixed(2));
    }
    return loads;
  }
}
