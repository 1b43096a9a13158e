import type { HeldBackBy } from '../../../core/connector.ts';
import {
  type ActivitySnapshot,
  heldBackByPrepared,
  isoTime,
  type OpenTransaction,
} from './open-transactions.ts';

const maxCandidates = 8;

/** A largest id, and what was open when it was seen: everything that may still commit a smaller one. */
interface Candidate {
  readonly mark: string | undefined;
  open: Map<string, OpenTransaction>;
  /** Set when the last of `open` has ended: a prepared transaction no longer shows in pg_locks but has not committed yet. */
  prepared: ActivitySnapshot['prepared'] | undefined;
}

/** The largest id seen at a moment is final once everything that was open at that moment has ended. */
export class FinalIds {
  #candidates: Candidate[] = [];
  #final: string | undefined;
  /** From the last snapshot. */
  #seen: ReadonlyMap<string, OpenTransaction> = new Map();

  get final(): string | undefined {
    return this.#final;
  }

  get isNewestFinal(): boolean {
    return this.#candidates.length === 0;
  }

  /** No id is known to be final yet, so a pass would read nothing. */
  get isFirst(): boolean {
    return this.#final === undefined;
  }

  /**
   * Whether the transactions that the oldest mark waits for are unlikely to end soon: an idle one, one that began before `beforeMicros`,
   * or a prepared one.
   */
  isStuck(beforeMicros: bigint): boolean {
    const [oldest] = this.#candidates;
    if (!oldest || oldest.prepared) return true;
    return [...oldest.open.keys()].some((id) => {
      const now = this.#seen.get(id);
      return now !== undefined && (now.isIdle || (now.startMicros ?? beforeMicros) < beforeMicros);
    });
  }

  /** The snapshot must be taken after the mark was read. */
  add(mark: string | undefined, seen: ActivitySnapshot): void {
    // A candidate that waits for many transactions is as good as earlier ones; keeping more than a few would only cost time.
    if (this.#candidates.length >= maxCandidates) this.#candidates.pop();
    this.#candidates.push({
      mark,
      open: new Map(seen.open.map((each) => [each.virtualId, each])),
      prepared: undefined,
    });
    this.observe(seen);
  }

  observe({ open, prepared }: ActivitySnapshot): void {
    this.#seen = new Map(open.map((each) => [each.virtualId, each]));
    const isPrepared = new Set(prepared.map((each) => each.id));
    for (const candidate of this.#candidates) {
      for (const id of candidate.open.keys()) if (!this.#seen.has(id)) candidate.open.delete(id);
      if (candidate.open.size > 0) continue;
      candidate.prepared = candidate.prepared
        ? candidate.prepared.filter((each) => isPrepared.has(each.id))
        : prepared;
    }
    const last = this.#candidates.findLastIndex(
      (each) => each.open.size === 0 && each.prepared?.length === 0,
    );
    if (last < 0) return;
    this.#final = this.#candidates[last]?.mark ?? this.#final;
    this.#candidates = this.#candidates.slice(last + 1);
  }

  heldBackBy(nowMs: number): HeldBackBy | undefined {
    const [candidate] = this.#candidates;
    if (!candidate) return undefined;
    const [prepared] = candidate.prepared ?? [];
    if (prepared) return heldBackByPrepared(prepared);
    const oldest = [...candidate.open.values()].reduce((one, other) =>
      (other.startMicros ?? 0n) < (one.startMicros ?? 0n) ? other : one,
    );
    return { what: oldest.description, since: isoTime(oldest.startMicros ?? BigInt(nowMs) * 1000n) };
  }
}

/** The time bound: below the start of the oldest open transaction. */
export class StartTimes {
  #last: bigint | undefined;
  /** A prepared transaction shows only the time of PREPARE. It began no earlier than the bound from before it appeared. */
  #floors = new Map<string, bigint | undefined>();

  bound(
    nowMicros: bigint,
    { open, prepared }: ActivitySnapshot,
  ): { readonly bound: bigint | undefined; readonly heldBackBy: HeldBackBy | undefined } {
    const floors = new Map<string, bigint | undefined>();
    for (const { id } of prepared) floors.set(id, this.#floors.has(id) ? this.#floors.get(id) : this.#last);
    this.#floors = floors;
    let bound: bigint | undefined = nowMicros;
    let heldBackBy: HeldBackBy | undefined;
    for (const { startMicros, description } of open) {
      if (startMicros === undefined || startMicros >= bound) continue;
      bound = startMicros;
      heldBackBy = { what: description, since: isoTime(startMicros) };
    }
    for (const each of prepared) {
      const floor = floors.get(each.id);
      if (bound === undefined || (floor !== undefined && floor >= bound)) continue;
      bound = floor;
      heldBackBy = heldBackByPrepared(each);
    }
    // Every later transaction, including prepared ones, begins after it.
    if (bound !== undefined && (this.#last === undefined || bound > this.#last)) this.#last = bound;
    return { bound, heldBackBy };
  }
}
