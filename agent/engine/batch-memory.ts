import { type Account, Budget, type Share } from '../../core/budget.ts';
import type { Clock } from '../../core/clock.ts';
import { type IdraError, transient } from '../../core/errors.ts';
import { ofNamespaceWithMost, type Taken } from '../../core/namespace-with-most.ts';

/** A batch whose reading and writing takes longer is slow. */
const slowAfterMs = 10_000;
/** If nobody is admitted for this time, a slow pass is ended. */
const standstillMs = 5_000;
/** A slow batch that has lasted this long gives way to a known slow Sync of a namespace that has less. */
const slowTurnMs = 10 * 60_000;
const lookEveryMs = 1_000;

/** A run of a Sync, in which one pass reads at a time. */
export interface BatchHolder {
  readonly namespace: string;
  /** Its pass was ended for others, and no batch was in time since. */
  isKnownSlow: boolean;
  /** It waits for memory, not for a system. */
  isWaiting: boolean;
}

/** The pass that reads. */
export interface BatchReader {
  readonly holder: BatchHolder;
  readonly signal: AbortSignal;
  /** Ends the pass, which releases its shares. */
  readonly end: (error: IdraError) => void;
}

/** A batch that is being read or written. */
interface Held {
  readonly reader: BatchReader;
  readonly sinceMs: number;
  share: Share;
  isSlow: boolean;
  /** It has rows: it is not the request for a batch that never came. */
  isRead: boolean;
}

/**
 * The memory of a process for batches that are being read, or were read and are not written yet. A system may stop in the middle of a
 * batch, or need minutes for it, so a batch that is slow makes room for those that wait: it is moved to a second budget of the same size.
 * If that one is full, too, and nobody is admitted for some seconds, a slow pass is ended: the one that has lasted longest in the
 * namespace that has most. Its Sync then waits for the second budget only, so that it ends no others and others do not end it again,
 * until it has been fast once. Of the second budget, too, no namespace keeps more than others for ever.
 *
 * Nothing is moved or ended while nobody waits.
 */
export class BatchMemory {
  readonly #clock: Clock;
  readonly #total: number;
  readonly #fast: Budget;
  readonly #slow: Budget;
  readonly #accounts = new Map<string, Account>();
  /** The oldest first. */
  readonly #held = new Set<Held>();
  #lastAdmissionMs = 0;
  #lastTurnMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  /** A larger row was admitted as one batch. */
  readonly #takenBy = ({ reader, share }: Held): Taken => ({
    namespace: reader.holder.namespace,
    amount: Math.min(share.amount, this.#total / 4),
  });

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#total = total;
    this.#fast = new Budget(total);
    this.#slow = new Budget(total);
  }

  get used(): number {
    return this.#fast.used + this.#slow.used;
  }

  async take(amount: number, reader: BatchReader): Promise<Share> {
    const { holder, signal } = reader;
    const isSlow = holder.isKnownSlow;
    const turn = (isSlow ? this.#slow : this.#fast).take(amount, signal, this.#accountOf(holder.namespace));
    if (!isSlow && this.#fast.waiting === 1) this.#lastAdmissionMs = this.#clock.monotonicMs();
    if (this.#isAwaited) this.#lookWhileOthersWait();
    holder.isWaiting = true;
    const share = await turn.finally(() => {
      holder.isWaiting = false;
    });
    const sinceMs = this.#clock.monotonicMs();
    if (!isSlow) this.#lastAdmissionMs = sinceMs;
    return this.#hold({ reader, sinceMs, share, isSlow, isRead: false });
  }

  #hold(held: Held): Share {
    this.#held.add(held);
    return {
      get amount() {
        return held.share.amount;
      },
      resize: (amount) => {
        held.isRead = amount > 0;
        held.share.resize(amount);
      },
      release: () => {
        const { holder, signal } = held.reader;
        const isInTime = held.isRead && !signal.aborted && !this.#isOverdue(held);
        if (this.#held.delete(held) && isInTime) holder.isKnownSlow = false;
        held.share.release();
        if (held.isSlow && this.#fast.waiting > 0) this.#moveSlow();
      },
    };
  }

  #lookWhileOthersWait(): void {
    if (!this.#isLooking) {
      this.#isLooking = true;
      void this.#keepLooking();
    }
    this.#moveSlow();
  }

  get #isAwaited(): boolean {
    return this.#fast.waiting > 0 || this.#slow.waiting > 0;
  }

  async #keepLooking(): Promise<void> {
    while (this.#isAwaited) {
      await this.#clock.sleep(lookEveryMs);
      this.#takeTurns();
      const isFull = !this.#moveSlow();
      const idleMs = this.#clock.monotonicMs() - this.#lastAdmissionMs;
      if (isFull && this.#fast.waiting > 0 && idleMs >= standstillMs) this.#endOne();
    }
    this.#isLooking = false;
  }

  /** Makes room for those that wait. False: one was left because the second budget is full. */
  #moveSlow(): boolean {
    let isAllMoved = true;
    for (const held of this.#held) {
      if (this.#fast.waiting === 0 || !this.#isOverdue(held)) break;
      if (held.isSlow) continue;
      const share = this.#slow.takeBefore(held.share.amount, this.#accountOf(held.reader.holder.namespace));
      if (share) {
        const { share: fast } = held;
        held.share = share;
        held.isSlow = true;
        fast.release();
      } else isAllMoved = false;
    }
    return isAllMoved;
  }

  #endOne(): void {
    // Batches in time take memory, too, and are soon over or overdue; only in the second budget they keep nobody from the first.
    const counted = [...this.#held].filter(
      (held) => !held.reader.signal.aborted && (this.#isOverdue(held) || !held.isSlow),
    );
    const first = ofNamespaceWithMost(counted, this.#takenBy).find((held) => this.#isOverdue(held));
    if (!first) return;
    this.#lastAdmissionMs = this.#clock.monotonicMs();
    this.#end(first);
  }

  /** Known slow Syncs wait although the first budget may be free, so a namespace could keep them out with batches that never end. */
  #takeTurns(): void {
    const next = this.#slow.next;
    const nowMs = this.#clock.monotonicMs();
    // One that was ended gives its memory back in a moment.
    if (!next || nowMs - this.#lastTurnMs < standstillMs) return;
    const slow = [...this.#held].filter(({ isSlow, reader }) => isSlow && !reader.signal.aborted);
    const most = ofNamespaceWithMost(slow, this.#takenBy);
    const [first] = most;
    if (!first || this.#ageOf(first) < slowTurnMs) return;
    const hasMost = most.some(({ reader }) => this.#accountOf(reader.holder.namespace) === next);
    if (hasMost) return;
    this.#lastTurnMs = nowMs;
    this.#end(first);
  }

  #end(held: Held): void {
    held.reader.holder.isKnownSlow = true;
    held.reader.end(tooSlow(this.#ageOf(held), this.#total));
  }

  #ageOf({ sinceMs }: Held): number {
    return this.#clock.monotonicMs() - sinceMs;
  }

  #isOverdue(held: Held): boolean {
    return this.#ageOf(held) >= slowAfterMs;
  }

  #accountOf(namespace: string): Account {
    const account = this.#accounts.get(namespace) ?? { held: 0 };
    this.#accounts.set(namespace, account);
    return account;
  }
}

function tooSlow(ms: number, total: number): IdraError {
  const size = `${Math.round(total / 1_024 ** 2)} MiB`;
  return transient(
    'SlowPassEnded',
    `one batch of this pass has taken ${Math.round(ms / 1_000)} s, while batches in progress took all memory for rows of this process (${size}, and the same again for slow ones) and other Syncs waited; its Sync continues when there is room for a slow one`,
    {
      fix: 'if it happens again, look for what makes its systems slow: a sort without an index, a lock, maxRowsPerSecond with large batches, or a server that stops in the middle of an answer; or lower batch.maxBytes of the Syncs, or raise IDRA_MAX_BYTES_IN_FLIGHT and the memory of the process',
    },
  );
}
