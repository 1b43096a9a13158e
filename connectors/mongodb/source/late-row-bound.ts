import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { BoundReport } from '../../../core/pass-end.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import { type BsonValue, bson } from '../types/format.ts';
import type { UpTo } from './key-order.ts';

/** How far it is safe to read now (Invariant 10). `none`: nothing is final yet. */
export interface PassBound {
  readonly upTo: UpTo | 'none' | 'all';
  readonly report: BoundReport;
}

interface Ask {
  readonly request: ReadRequest;
  /** The largest value of the field, with the text of its position. */
  largest(): Promise<{ readonly value: BsonValue; readonly text: string } | undefined>;
  /** Milliseconds, by the clock of the server. */
  serverTime(): Promise<bigint>;
}

/**
 * MongoDB does not show what open transactions have written, and ids and times are made by clients: only safetyLag covers documents that
 * become visible late.
 */
export class LateRowBound {
  readonly #clock: Clock;
  #marks:
    | { readonly lagMs: number; readonly seen: SeenMarks; readonly values: Map<string, BsonValue> }
    | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(ask: Ask, signal: AbortSignal): Promise<PassBound> {
    const lagMs = ask.request.safetyLagMs ?? defaultSafetyLagMs;
    const report: BoundReport = { kind: 'safetyLag', because: 'ids and times are made by clients' };
    if (ask.request.mode === 'Timestamp') {
      const until = (await ask.serverTime()) - BigInt(lagMs);
      return { upTo: { value: dateValue(until), isInclusive: lagMs === 0 }, report };
    }
    return { upTo: await this.#settledId(ask, lagMs, signal), report };
  }

  /** The largest id as it was seen safetyLag ago. */
  async #settledId({ largest }: Ask, lagMs: number, signal: AbortSignal): Promise<PassBound['upTo']> {
    const now = await largest();
    if (!now) return 'none';
    if (lagMs === 0) return { value: now.value, isInclusive: true };
    if (this.#marks?.lagMs !== lagMs)
      this.#marks = { lagMs, seen: new SeenMarks(this.#clock, lagMs), values: new Map() };
    const { seen, values } = this.#marks;
    seen.add(now.text);
    values.set(now.text, now.value);
    if (seen.settled() === undefined) await this.#clock.sleep(seen.waitMs() ?? 0, signal);
    const text = seen.settled();
    const value = text === undefined ? undefined : values.get(text);
    for (const each of values.keys()) {
      if (each === text) break;
      values.delete(each);
    }
    return value ? { value, isInclusive: true } : 'none';
  }
}

export function dateValue(ms: bigint): BsonValue {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(ms);
  return { type: bson.date, bytes, start: 0, end: 8 };
}
