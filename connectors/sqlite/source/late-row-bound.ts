import type { Clock } from '../../../core/clock.ts';
import type { BoundReport, HeldBackBy, ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import type { PassBound } from '../../sql/source/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import { shapeLike, timeShape, wallSecondOf, wallSecondText } from '../types/time-text.ts';

/** What the bound queries from the file. */
export interface Probe {
  probeWriter(
    signal: AbortSignal,
  ): Promise<{ readonly state: 'free' | 'busy' | 'unknown'; readonly nowMs: number }>;
  /** The largest value of the field, as stored. */
  largest(field: Column, signal: AbortSignal): Promise<string | undefined>;
}

/**
 * How far it is safe to read (Invariant 10).
 *
 * SQLite has one writer at a time, so ids and times that are taken while writing commit in order:
 * - Id: an open writer's ids are larger than all visible ones, so it is safe to read up to the largest.
 * - Timestamp: times repeat (CURRENT_TIMESTAMP has whole seconds), and an open writer may add rows to a second that was already read.
 *   Whoever gets the writer's lock knows that no writer is open: everything older than the current second is then final. If the lock is
 *   held, the writer's times are not before the newest visible one: everything older than that one's second is final.
 *
 * For a file that this user cannot write, writers cannot be detected: safetyLag applies. Not covered, here as elsewhere: times and ids
 * that an application took before its transaction wrote.
 */
export class LateRowBound {
  readonly #probe: Probe;
  readonly #clock: Clock;
  readonly #file: string;
  /** The last bound that was safe, and since when a writer has been seen. */
  #safe: string | undefined;
  #busySinceMs: number | undefined;
  #marks: SeenMarks | undefined;

  constructor(probe: Probe, clock: Clock, file: string) {
    this.#probe = probe;
    this.#clock = clock;
    this.#file = file;
  }

  take(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return request.mode === 'Id'
      ? this.#takeId(request, field, signal)
      : this.#takeTime(request, field, signal);
  }

  async #takeTime(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const { state, nowMs } = await this.#probe.probeWriter(signal);
    const newest = await this.#probe.largest(field, signal);
    if (newest !== undefined) requireTime(newest, field, request);
    const lagMs = request.safetyLagMs ?? (state === 'unknown' ? defaultSafetyLagMs : 0);
    // Texts are compared by the clock with which they were written.
    const zone = (newest !== undefined && timeShape(newest)?.zone) || timeZoneOf(request, field);
    const now = wallSecondText(nowMs - lagMs, zone);
    this.#busySinceMs = state === 'busy' ? (this.#busySinceMs ?? nowMs) : undefined;
    if (state !== 'busy') this.#safe = now;
    else if (newest !== undefined && wallSecondOf(newest) <= now && wallSecondOf(newest) > (this.#safe ?? ''))
      this.#safe = wallSecondOf(newest);
    const report = this.#report(state, lagMs, nowMs);
    if (this.#safe === undefined) return { upTo: 'none', report };
    // Without fraction and zone it is a prefix, and so sorts before every time of its second.
    const text =
      newest === undefined ? this.#safe : shapeLike(this.#safe, newest).slice(0, this.#safe.length);
    return { upTo: { text, isInclusive: false }, report };
  }

  async #takeId(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const largest = await this.#probe.largest(field, signal);
    if (request.safetyLagMs !== undefined && request.safetyLagMs > 0)
      return this.#takeSettled(largest, request.safetyLagMs, signal);
    const report: BoundReport = { kind: 'singleWriter' };
    return largest === undefined
      ? { upTo: 'all', report }
      : { upTo: { text: largest, isInclusive: true }, report };
  }

  async #takeSettled(largest: string | undefined, lagMs: number, signal: AbortSignal): Promise<PassBound> {
    this.#marks ??= new SeenMarks(this.#clock, lagMs);
    const report: BoundReport = { kind: 'safetyLag' };
    if (largest === undefined) return { upTo: 'none', report };
    this.#marks.add(largest);
    if (this.#marks.settled() === undefined) await this.#clock.sleep(this.#marks.waitMs() ?? 0, signal);
    const text = this.#marks.settled();
    return text === undefined ? { upTo: 'none', report } : { upTo: { text, isInclusive: true }, report };
  }

  #report(state: string, lagMs: number, nowMs: number): BoundReport {
    if (state === 'unknown') return { kind: 'safetyLag', because: 'the file cannot be written by this user' };
    if (state === 'busy')
      return {
        kind: 'singleWriter',
        heldBackBy: this.#heldBack(`a transaction that is writing to ${this.#file}`, this.#busySinceMs),
      };
    if (lagMs > 0) return { kind: 'safetyLag', because: 'safetyLag is set' };
    return {
      kind: 'singleWriter',
      heldBackBy: this.#heldBack('the current second', Math.floor(nowMs / 1000) * 1000),
    };
  }

  #heldBack(what: string, sinceMs = 0): HeldBackBy {
    return { what, since: new Date(sinceMs).toISOString() };
  }
}

/** A column with zone holds UTC. */
function timeZoneOf(request: ReadRequest, field: Column): string {
  return field.type.kind === 'timestamp' && field.type.hasZone ? 'UTC' : request.timeZone;
}

function requireTime(sample: string, field: Column, request: ReadRequest): void {
  if (/^[+-]?\d{4,6}-\d{2}-\d{2}/.test(sample)) return;
  throw permanent(
    'TimestampNotText',
    `${request.relation.name}.${field.name} does not hold times as text (2026-11-24 08:00:00)`,
    {
      path: 'spec.source.timestampField',
      fix: `use mode Id with it as the idField, or a view with CAST(datetime(${field.name}, 'unixepoch') AS TEXT)`,
    },
  );
}
