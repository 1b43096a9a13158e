import { type Clock, systemClock } from '../../../core/clock.ts';
import type { BoundReport, ReadRequest, SystemAccess } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { instantMs } from '../../../core/instant.ts';
import type { Column } from '../../../core/values.ts';
import { lateRowsBySafetyLag, refused, reportOf, timeUpTo, zoneOf } from '../../sql/source/bound-report.ts';
import type { PassBound } from '../../sql/source/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import { type OpenTransactions, type TransactionWatch, watchOf } from './open-transactions.ts';
import type { OpenTransaction } from './transaction-log.ts';

/** What the bound queries through the source's own session. */
export interface Probe {
  /** The largest value of the field. */
  largest(field: Column, signal: AbortSignal): Promise<string | undefined>;
  /** Microseconds since 1970 by the server's clock. */
  nowMicros(signal: AbortSignal): Promise<number>;
}

/** How long a pass retries to get a better bound: transactions of a busy server usually end soon. */
const patienceMs = 3_000;

interface Mark {
  readonly atMicros: number;
  readonly text: string;
}

/**
 * How far it is safe to read (Invariant 10).
 * - Timestamp: below the floors of all open transactions and statements.
 * - Id: the largest id seen is final once everything that was open at that moment has ended.
 * - If transactions are not visible: safetyLag.
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
    const seen = await this.#snapshot(signal);
    return 'limitation' in seen ? [lateRowsBySafetyLag(seen.limitation, seen.fix)] : [];
  }

  async take(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return request.mode === 'Id'
      ? await this.#takeId(request, field, signal)
      : await this.#takeTime(request, field, signal);
  }

  async #takeTime(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const startedMs = this.#clock.monotonicMs();
    let seen = await this.#snapshot(signal);
    while (
      'open' in seen &&
      seen.open[0]?.isEstimated &&
      this.#clock.monotonicMs() < startedMs + patienceMs
    ) {
      seen = await this.#snapshot(signal);
    }
    if ('limitation' in seen && seen.replica)
      return await this.#takeReplayedTime(request, field, seen, signal);
    if ('limitation' in seen) {
      // Counted from before the snapshot, which may have taken long.
      const snapshotMs = this.#clock.monotonicMs() - startedMs;
      const lagMs = (request.safetyLagMs ?? defaultSafetyLagMs) + Math.ceil(snapshotMs);
      const now = await this.#probe.nowMicros(signal);
      return { upTo: timeUpTo(now - lagMs * 1_000, request, field), report: refused(seen.limitation) };
    }
    const [oldest] = seen.open;
    const lagMs = request.safetyLagMs ?? 0;
    const report = reportOf(oldest, lagMs);
    if (oldest && oldest.floorMicros === undefined) return { upTo: 'none', report };
    const bound = Math.min(seen.atMicros, oldest?.floorMicros ?? seen.atMicros);
    return { upTo: timeUpTo(bound - lagMs * 1_000, request, field), report };
  }

  /**
   * A replica has at least the data up to its newest row, and up to what a heartbeat confirms. Its own clock does not show what was
   * replayed.
   */
  async #takeReplayedTime(
    request: ReadRequest,
    field: Column,
    { limitation, replica }: Limited,
    signal: AbortSignal,
  ): Promise<PassBound> {
    const newest = await this.#probe.largest(field, signal);
    const report = refused(limitation);
    const byRowsMs = newest === undefined ? undefined : instantMs(newest, zoneOf(request, field));
    const byRows = byRowsMs === undefined ? undefined : Math.floor(byRowsMs) * 1_000;
    const replayed = [byRows, replica?.positionMicros].filter((each) => each !== undefined);
    if (replayed.length === 0) return { upTo: 'none', report };
    const lagMs = request.safetyLagMs ?? defaultSafetyLagMs;
    // A row dated ahead of the clock is no evidence.
    const position = Math.min(Math.max(...replayed), await this.#probe.nowMicros(signal));
    return { upTo: timeUpTo(position - lagMs * 1_000, request, field), report };
  }

  /** An id that was seen is final when the replica is known to have replayed everything up to that moment plus safetyLag. */
  #takeReplayedId(request: ReadRequest, { limitation, replica }: Limited): PassBound {
    const lagMicros = (request.safetyLagMs ?? defaultSafetyLagMs) * 1_000;
    const limit = (replica?.positionMicros ?? Number.NEGATIVE_INFINITY) - lagMicros;
    const index = this.#marks.findLastIndex((mark) => mark.atMicros < limit);
    const settled = this.#marks[index];
    this.#marks = this.#marks.slice(Math.max(0, index));
    const report = refused(limitation);
    return { upTo: settled ? { text: settled.text, isInclusive: true } : 'none', report };
  }

  async #takeId(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const largest = await this.#probe.largest(field, signal);
    const seenMicros = await this.#probe.nowMicros(signal);
    const startedMs = this.#clock.monotonicMs();
    let seen = await this.#snapshot(signal);
    if ('limitation' in seen) {
      if (seen.replica) {
        if (largest !== undefined) this.#marks = [...this.#marks, { atMicros: seenMicros, text: largest }];
        return this.#takeReplayedId(request, seen);
      }
      const lagMs = request.safetyLagMs ?? defaultSafetyLagMs;
      return await this.#takeSettled(largest, lagMs, refused(seen.limitation), signal);
    }
    const lagMs = request.safetyLagMs ?? 0;
    if (largest === undefined) return { upTo: 'none', report: reportOf(undefined, lagMs) };
    // Belongs to a moment before the snapshot: what was open then and still is has an older floor.
    this.#marks = [...this.#marks, { atMicros: seen.atMicros, text: largest }];
    if (lagMs > 0) {
      await this.#awaitAge(lagMs, signal);
      seen = await this.#snapshot(signal);
    }
    const deadline = Math.max(startedMs, this.#clock.monotonicMs()) + patienceMs;
    const after = request.after?.mode === 'Id' ? request.after.id : undefined;
    for (;;) {
      if ('limitation' in seen) return { upTo: 'none', report: refused(seen.limitation) };
      const [oldest] = seen.open;
      const wanted = this.#newestOfAge(seen.atMicros, lagMs);
      const settled = this.#settled(oldest, seen.atMicros, lagMs);
      const hasNews = settled !== undefined && settled.text !== after;
      if (hasNews || wanted === after || this.#clock.monotonicMs() >= deadline) {
        const report = reportOf(settled?.text === wanted ? undefined : oldest, lagMs);
        return settled
          ? { upTo: { text: settled.text, isInclusive: true }, report }
          : { upTo: 'none', report };
      }
      seen = await this.#snapshot(signal);
    }
  }

  /** At a first pass, waits until the oldest mark is as old as safetyLag requires. */
  async #awaitAge(lagMs: number, signal: AbortSignal): Promise<void> {
    const [oldest, ...later] = this.#marks;
    if (!oldest || later.length > 0) return;
    await this.#clock.sleep(lagMs + 1, signal);
  }

  #newestOfAge(nowMicros: number, lagMs: number): string | undefined {
    return this.#marks.findLast((mark) => mark.atMicros <= nowMicros - lagMs * 1_000)?.text;
  }

  /** The newest mark that is older than all open work and as old as safetyLag requires; older marks are dropped. */
  #settled(oldest: OpenTransaction | undefined, nowMicros: number, lagMs: number): Mark | undefined {
    const limit = oldest ? (oldest.floorMicros ?? 0) : Number.POSITIVE_INFINITY;
    const aged = nowMicros - lagMs * 1_000;
    const index = this.#marks.findLastIndex((mark) => mark.atMicros < limit && mark.atMicros <= aged);
    if (index < 0) return undefined;
    this.#marks = this.#marks.slice(index);
    return this.#marks[0];
  }

  /** For ids, safetyLag means the high-water mark as it was that long ago. */
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

  async #snapshot(signal: AbortSignal): Promise<OpenTransactions> {
    return await this.#watch.snapshot(this.#access, signal);
  }
}

type Limited = Extract<OpenTransactions, { readonly limitation: string }>;
