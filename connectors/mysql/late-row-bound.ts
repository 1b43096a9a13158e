import { type Clock, systemClock } from '../../core/clock.ts';
import type { BoundReport, ReadRequest, SystemAccess } from '../../core/connector.ts';
import type { Finding } from '../../core/errors.ts';
import type { Column } from '../../core/values.ts';
import type { PassBound } from '../sql/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../sql/safety-lag.ts';
import type { OpenWork } from './open-work.ts';
import { type Sight, type TransactionWatch, watchOf } from './transaction-watch.ts';
import { isoOf, wallText } from './wall-time.ts';

/** What the bound asks of the source's own session. */
export interface Probe {
  /** Largest value of the field. */
  largest(field: Column, signal: AbortSignal): Promise<string | undefined>;
  /** Microseconds since 1970 by the server's clock. */
  nowMicros(signal: AbortSignal): Promise<number>;
}

/** How long a pass looks again for a better bound: transactions of a busy server end in a moment. */
const patienceMs = 3_000;

interface Mark {
  readonly atMicros: number;
  readonly text: string;
}

/**
 * How far it is safe to read (Invariant 10).
 * - Timestamp: below the floors of all that is at work.
 * - Id: the largest id that was seen is final when all that was at work then has ended.
 * - Where the transactions cannot be seen: safetyLag.
 */
export class LateRowBound {
  readonly #access: SystemAccess;
  readonly #probe: Probe;
  readonly #clock: Clock;
  readonly #watch: TransactionWatch;
  #marks: readonly Mark[] = [];
  #seen: SeenMarks | undefined;

  constructor(access: SystemAccess, probe: Probe, clock: Clock = systemClock) {
    this.#access = access;
    this.#probe = probe;
    this.#clock = clock;
    this.#watch = watchOf(access);
    this.#watch.acquire();
  }

  async close(): Promise<void> {
    await this.#watch.release();
  }

  async check(signal: AbortSignal): Promise<readonly Finding[]> {
    const sight = await this.#look(signal);
    if (!('refusal' in sight)) return [];
    return [
      {
        severity: 'warning',
        code: 'LateRowsBySafetyLag',
        path: 'spec.safetyLag',
        message: `open transactions of the source cannot be seen (${sight.refusal}): safetyLag bounds late rows`,
        mend: sight.mend ?? 'set safetyLag to longer than a transaction lasts',
      },
    ];
  }

  async take(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return request.mode === 'Id'
      ? await this.#takeId(request, field, signal)
      : await this.#takeTime(request, field, signal);
  }

  async #takeTime(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const startedMs = this.#clock.monotonicMs();
    let sight = await this.#look(signal);
    while ('open' in sight && sight.open[0]?.isLoose && this.#clock.monotonicMs() < startedMs + patienceMs) {
      sight = await this.#look(signal);
    }
    if ('refusal' in sight) {
      // Counted from before the look, which may have taken long.
      const lookMs = this.#clock.monotonicMs() - startedMs;
      const lagMs = (request.safetyLagMs ?? defaultSafetyLagMs) + Math.ceil(lookMs);
      const now = await this.#probe.nowMicros(signal);
      return { upTo: timeUpTo(now - lagMs * 1_000, request, field), report: refused(sight.refusal) };
    }
    const [oldest] = sight.open;
    const lagMs = request.safetyLagMs ?? 0;
    const report = reportOf(oldest, lagMs);
    if (oldest && oldest.floorMicros === undefined) return { upTo: 'none', report };
    const bound = Math.min(sight.atMicros, oldest?.floorMicros ?? sight.atMicros);
    return { upTo: timeUpTo(bound - lagMs * 1_000, request, field), report };
  }

  async #takeId(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const largest = await this.#probe.largest(field, signal);
    const deadline = this.#clock.monotonicMs() + patienceMs;
    let sight = await this.#look(signal);
    if ('refusal' in sight) {
      return await this.#takeSettled(
        largest,
        request.safetyLagMs ?? defaultSafetyLagMs,
        refused(sight.refusal),
        signal,
      );
    }
    const lagMs = request.safetyLagMs ?? 0;
    if (lagMs > 0) return await this.#takeSettled(largest, lagMs, reportOf(undefined, lagMs), signal);
    if (largest === undefined) return { upTo: 'none', report: reportOf(undefined, 0) };
    // Of a moment before the look: what was at work then and still is has an older floor.
    this.#marks = [...this.#marks, { atMicros: sight.atMicros, text: largest }];
    const after = request.after?.mode === 'Id' ? request.after.id : undefined;
    for (;;) {
      const [oldest] = sight.open;
      const settled = this.#settled(oldest);
      const hasNews = settled !== undefined && settled.text !== after;
      if (hasNews || largest === after || this.#clock.monotonicMs() >= deadline) {
        const report = reportOf(settled?.text === largest ? undefined : oldest, 0);
        return settled
          ? { upTo: { text: settled.text, isInclusive: true }, report }
          : { upTo: 'none', report };
      }
      sight = await this.#look(signal);
      if ('refusal' in sight) return { upTo: 'none', report: refused(sight.refusal) };
    }
  }

  /** The newest mark that is older than all that is at work; older ones are forgotten. */
  #settled(oldest: OpenWork | undefined): Mark | undefined {
    const limit = oldest ? (oldest.floorMicros ?? 0) : Number.POSITIVE_INFINITY;
    const index = this.#marks.findLastIndex((mark) => mark.atMicros < limit);
    if (index < 0) return undefined;
    this.#marks = this.#marks.slice(index);
    return this.#marks[0];
  }

  /** By ids, safetyLag means the high-water mark as it was seen that long ago. */
  async #takeSettled(
    largest: string | undefined,
    lagMs: number,
    report: BoundReport,
    signal: AbortSignal,
  ): Promise<PassBound> {
    this.#seen ??= new SeenMarks(this.#clock, lagMs);
    if (largest === undefined) return { upTo: 'none', report };
    this.#seen.add(largest);
    if (this.#seen.settled() === undefined) await this.#clock.sleep(this.#seen.waitMs() ?? 0, signal);
    const text = this.#seen.settled();
    return text === undefined ? { upTo: 'none', report } : { upTo: { text, isInclusive: true }, report };
  }

  async #look(signal: AbortSignal): Promise<Sight> {
    return await this.#watch.look(this.#access, signal);
  }
}

function refused(because: string): BoundReport {
  return { kind: 'safetyLag', because };
}

function reportOf(oldest: OpenWork | undefined, lagMs: number): BoundReport {
  const held = oldest && { heldBackBy: { what: oldest.what, since: isoOf(oldest.sinceMicros) } };
  if (lagMs > 0) return { kind: 'safetyLag', because: 'safetyLag is set', ...held };
  return { kind: 'transactions', ...held };
}

/** A column without zone holds times of source.timeZone; a precision below microseconds may have rounded down. */
function timeUpTo(
  micros: number,
  request: ReadRequest,
  field: Column,
): { text: string; isInclusive: boolean } {
  const { type } = field;
  const timeZone = type.kind === 'timestamp' && type.hasZone ? 'UTC' : request.timeZone;
  const text = wallText(micros, timeZone, type.kind === 'timestamp' ? type.precision : 0);
  return { text: type.kind === 'date' ? text.slice(0, 10) : text, isInclusive: false };
}
