import type { Clock } from './clock.ts';

/** A deletion by the monotonic clock of this process. */
interface Deletion {
  readonly seenMs: number;
  /** Its age when it was first seen, by the wall clock; 0 if this process has seen it begin. */
  readonly earlierMs: number;
}

/** So long agents have time to clean up, even if the deletion is older than its limit when this process starts. */
const minSeenMs = 10_000;

/**
 * How long objects have been deleted. Whatever this process has seen itself is measured by its monotonic clock, because a jump of the wall
 * clock must neither release objects nor keep them. Only the time before it saw a deletion is measured by the wall clock, once, and that
 * counts only after some time in which agents could act.
 */
export class DeletionAges {
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly #deletions = new Map<string, Deletion>();

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** `begins`: until now this process has seen the object without a deletion. */
  see(uid: string, deletedAt: string, begins: boolean): void {
    if (begins && !this.#deletions.has(uid)) this.#add(uid, 0);
    else this.ageOf(uid, deletedAt);
  }

  /** In milliseconds. `deletedAt`: ISO 8601 UTC. */
  ageOf(uid: string, deletedAt: string): number {
    const wallMs = () => Math.max(0, this.#clock.now() - Date.parse(deletedAt));
    const { seenMs, earlierMs } = this.#deletions.get(uid) ?? this.#add(uid, wallMs());
    const ownMs = this.#clock.monotonicMs() - seenMs;
    return ownMs < minSeenMs ? ownMs : ownMs + earlierMs;
  }

  forget(uid: string): void {
    this.#deletions.delete(uid);
  }

  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#deletions.keys()) if (!uids.has(uid)) this.forget(uid);
  }

  #add(uid: string, earlierMs: number): Deletion {
    const deletion = { seenMs: this.#clock.monotonicMs(), earlierMs };
    this.#deletions.set(uid, deletion);
    return deletion;
  }
}
