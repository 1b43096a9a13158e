import type { HeldBackBy } from '../../../core/connector.ts';
import { heldBackByPrepared, isoTime, type Look } from './open-transactions.ts';

/** Below the start of the oldest transaction that is open. */
export class StartTimes {
  #last: bigint | undefined;
  /** A prepared transaction shows the time of PREPARE alone: it began no earlier than the bound from before it appeared. */
  #floors = new Map<string, bigint | undefined>();

  bound(
    nowMicros: bigint,
    { open, prepared }: Look,
  ): { readonly bound: bigint | undefined; readonly heldBackBy: HeldBackBy | undefined } {
    const floors = new Map<string, bigint | undefined>();
    for (const { id } of prepared) floors.set(id, this.#floors.has(id) ? this.#floors.get(id) : this.#last);
    this.#floors = floors;
    let bound: bigint | undefined = nowMicros;
    let heldBackBy: HeldBackBy | undefined;
    for (const { startMicros, told } of open) {
      if (startMicros === undefined || startMicros >= bound) continue;
      bound = startMicros;
      heldBackBy = { what: told, since: isoTime(startMicros) };
    }
    for (const each of prepared) {
      const floor = floors.get(each.id);
      if (bound === undefined || (floor !== undefined && floor >= bound)) continue;
      bound = floor;
      heldBackBy = heldBackByPrepared(each);
    }
    // Every later transaction, prepared ones included, begins after it.
    if (bound !== undefined && (this.#last === undefined || bound > this.#last)) this.#last = bound;
    return { bound, heldBackBy };
  }
}
