import type { Clock } from '../../core/clock.ts';
import type { BoundReport, HeldBackBy, ReadRequest } from '../../core/connector.ts';
import type { Column } from '../../core/values.ts';
import type { PassBound } from '../sql/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../sql/safety-lag.ts';
import {
  heldBackByPrepared,
  isoTime,
  type Look,
  look,
  lookAtLocks,
  lookAtStarts,
  type OpenTransaction,
  type Sight,
} from './activity.ts';
import { instantText, truncateMicros } from './instant.ts';
import { literalText } from './literals.ts';
import type { Session } from './session.ts';

export interface BoundInput {
  readonly session: Session;
  readonly request: ReadRequest;
  readonly field: Column;
  /** Largest value of the field that is visible now, as canonical text. */
  largest(): Promise<string | undefined>;
}

/**
 * A transaction is announced to pg_stat_activity a few instructions after it has taken its now(): the clock is read this long before
 * the look at it.
 */
const announceMs = 50;
/** Ids: open transactions are mostly short; so long a pass waits for those that it met. */
const patienceMs = 500;
const pollMs = 20;
const maxCandidates = 8;

/** How far it is safe to read a table of PostgreSQL (Invariant 10). One for a source: what earlier looks saw is remembered. */
export class LateRowBound {
  readonly #clock: Clock;
  readonly #times = new StartTimes();
  #ids: FinalIds | undefined;
  #marks: SeenMarks | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(input: BoundInput, signal: AbortSignal): Promise<PassBound> {
    const sight = await look(input.session, signal);
    return input.request.mode === 'Id'
      ? await this.#takeId(input, sight, signal)
      : await this.#takeTime(input, sight, signal);
  }

  async #takeTime(input: BoundInput, sight: Sight, signal: AbortSignal): Promise<PassBound> {
    const { session, request } = input;
    let because = sight.blindness;
    if (because === undefined) {
      await this.#clock.sleep(announceMs, signal);
      const seen = await lookAtStarts(session, signal);
      because = seen.hidden;
      if (because === undefined) {
        const { bound, heldBackBy } = this.#times.bound(sight.nowMicros, seen);
        const report: BoundReport = { kind: 'transactions', ...(heldBackBy && { heldBackBy }) };
        return await timeBound(input, bound, request.safetyLagMs ?? 0, report, signal);
      }
    }
    return await timeBound(
      input,
      sight.nowMicros,
      request.safetyLagMs ?? defaultSafetyLagMs,
      { kind: 'safetyLag', because },
      signal,
    );
  }

  async #takeId(input: BoundInput, sight: Sight, signal: AbortSignal): Promise<PassBound> {
    const { request } = input;
    if (sight.isStandby) {
      const report: BoundReport = { kind: 'safetyLag', because: 'standby' };
      return await this.#settled(
        await input.largest(),
        request.safetyLagMs ?? defaultSafetyLagMs,
        report,
        signal,
      );
    }
    this.#ids ??= new FinalIds();
    const final = await this.#finalId(this.#ids, input, signal);
    const heldBackBy = this.#ids.heldBackBy(this.#clock.now());
    const report: BoundReport = { kind: 'transactions', ...(heldBackBy && { heldBackBy }) };
    if (request.safetyLagMs) return await this.#settled(final, request.safetyLagMs, report, signal);
    return idBound(final, report);
  }

  async #finalId(
    ids: FinalIds,
    { session, largest }: BoundInput,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const mark = await largest();
    const deadlineMs = this.#clock.monotonicMs() + patienceMs;
    ids.add(mark, await lookAtLocks(session, signal));
    while (!ids.isNewestFinal && this.#clock.monotonicMs() < deadlineMs) {
      await this.#clock.sleep(pollMs, signal);
      ids.look(await lookAtLocks(session, signal));
    }
    return ids.final;
  }

  /** The mark as it was seen that long ago; at the first pass it is waited for. */
  async #settled(
    mark: string | undefined,
    lagMs: number,
    report: BoundReport,
    signal: AbortSignal,
  ): Promise<PassBound> {
    this.#marks ??= new SeenMarks(this.#clock, lagMs);
    if (mark !== undefined) this.#marks.add(mark);
    if (this.#marks.settled() === undefined) await this.#clock.sleep(this.#marks.waitMs() ?? 0, signal);
    return idBound(this.#marks.settled(), report);
  }
}

/** Below the start of the oldest transaction that is open. */
class StartTimes {
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

/** A largest id, and what was open when it was seen: all that may still commit a smaller one. */
interface Candidate {
  readonly mark: string | undefined;
  open: Map<string, OpenTransaction>;
  /** Taken when the last of `open` has ended: a transaction that was prepared has ended for pg_locks, and is not done. */
  prepared: Look['prepared'] | undefined;
}

/** The largest id seen at a moment is final when all that was open at that moment has ended. */
class FinalIds {
  #candidates: Candidate[] = [];
  #final: string | undefined;

  get final(): string | undefined {
    return this.#final;
  }

  get isNewestFinal(): boolean {
    return this.#candidates.length === 0;
  }

  /** The look was made after the mark was read. */
  add(mark: string | undefined, seen: Look): void {
    // One that waits for much is as good as those before it: more than a few would only cost.
    if (this.#candidates.length >= maxCandidates) this.#candidates.pop();
    this.#candidates.push({
      mark,
      open: new Map(seen.open.map((each) => [each.virtualId, each])),
      prepared: undefined,
    });
    this.look(seen);
  }

  look({ open, prepared }: Look): void {
    const isOpen = new Set(open.map((each) => each.virtualId));
    const isPrepared = new Set(prepared.map((each) => each.id));
    for (const candidate of this.#candidates) {
      for (const id of candidate.open.keys()) if (!isOpen.has(id)) candidate.open.delete(id);
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
    return { what: oldest.told, since: isoTime(oldest.startMicros ?? BigInt(nowMs) * 1000n) };
  }
}
function idBound(final: string | undefined, report: BoundReport): PassBound {
  return { upTo: final === undefined ? 'none' : { text: final, isInclusive: true }, report };
}

/** Exclusive, and cut to the column's precision: `timestamp(0)` rounds, so a value may stand below the time that it was taken at. */
async function timeBound(
  { session, field, request }: BoundInput,
  boundMicros: bigint | undefined,
  lagMs: number,
  report: BoundReport,
  signal: AbortSignal,
): Promise<PassBound> {
  if (boundMicros === undefined) return { upTo: 'none', report };
  const { type } = field;
  const precision = type.kind === 'timestamp' ? type.precision : 0;
  const at = instantText(truncateMicros(boundMicros - BigInt(lagMs) * 1000n, precision), 'Z');
  if (type.kind === 'timestamp' && type.hasZone) return { upTo: { text: at, isInclusive: false }, report };
  const local = `${literalText(at)}::timestamptz AT TIME ZONE ${literalText(request.timeZone)}`;
  const [[text] = []] = await session.query(
    `SELECT (${type.kind === 'date' ? `(${local})::date` : local})::text`,
    signal,
  );
  return { upTo: { text: text ?? '', isInclusive: false }, report };
}
