import { type Clock, systemClock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { instantMs } from '../../../core/instant.ts';
import type { Column } from '../../../core/values.ts';
import {
  type HeldBack,
  lateRowsBySafetyLag,
  refused,
  reportOf,
  timeUpTo,
  zoneOf,
} from '../../sql/source/bound-report.ts';
import type { PassBound } from '../../sql/source/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import type { Session } from '../session.ts';
import { microsOf } from '../types/time-text.ts';
import { type OpenTransaction, type OpenTransactions, readOpenTransactions } from './open-transactions.ts';

/** What the bound asks the source. */
export interface Asked {
  session(signal: AbortSignal): Promise<Session>;
  /** The largest value of the field. */
  largest(field: Column, signal: AbortSignal): Promise<string | undefined>;
}

interface Mark {
  readonly atMicros: number;
  readonly text: string;
}

/**
 * How far it is safe to read (Invariant 10).
 * - A rowversion: below the smallest one that an open transaction may have (min_active_rowversion).
 * - Another id: the largest one that was seen is final once everything that was open at that moment has ended.
 * - A time: below the begin of every open transaction and running statement.
 * - If transactions are not visible: safetyLag.
 */
export class LateRowBound {
  readonly #asked: Asked;
  readonly #clock: Clock;
  readonly #read: (session: Session, signal: AbortSignal) => Promise<OpenTransactions>;
  #marks: readonly Mark[] = [];
  #seen: SeenMarks | undefined;

  constructor(asked: Asked, clock: Clock = systemClock, read = readOpenTransactions) {
    this.#asked = asked;
    this.#clock = clock;
    this.#read = read;
  }

  async check(field: Column | undefined, signal: AbortSignal): Promise<readonly Finding[]> {
    if (field && isRowversion(field) && (await this.#smallestActive(signal)) !== undefined) return [];
    const seen = await this.#snapshot(signal);
    return 'limitation' in seen ? [lateRowsBySafetyLag(seen.limitation, seen.fix)] : [];
  }

  async take(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    if (request.mode !== 'Id') return await this.#takeTime(request, field, signal);
    return (
      (await this.#takeRowversion(request, field, signal)) ?? (await this.#takeId(request, field, signal))
    );
  }

  /**
   * Undefined if the field is no rowversion, or the server has no such function. The largest one is asked for first: if it is not below the
   * bound, a transaction with a smaller one was open after it was there.
   */
  async #takeRowversion(
    request: ReadRequest,
    field: Column,
    signal: AbortSignal,
  ): Promise<PassBound | undefined> {
    if (!isRowversion(field) || (request.safetyLagMs ?? 0) > 0) return undefined;
    const newest = await this.#asked.largest(field, signal);
    const smallest = await this.#smallestActive(signal);
    if (smallest === undefined) return undefined;
    const isHeldBack = newest !== undefined && newest >= smallest;
    const holder = isHeldBack ? await this.#someHolder(signal) : undefined;
    return { upTo: { text: smallest, isInclusive: false }, report: reportOf(holder, 0) };
  }

  /** The oldest open transaction, or that there is one. */
  async #someHolder(signal: AbortSignal): Promise<HeldBack> {
    const seen = await this.#snapshot(signal);
    const [oldest] = 'limitation' in seen ? [] : seen.open;
    return oldest ?? { sinceMicros: await this.#nowMicros(signal), what: 'an open transaction' };
  }

  async #smallestActive(signal: AbortSignal): Promise<string | undefined> {
    const session = await this.#asked.session(signal);
    return await session.guard(async () => {
      try {
        const [result] = await session.run('SELECT MIN_ACTIVE_ROWVERSION()');
        const [cell] = result?.rows[0] ?? [];
        return Buffer.isBuffer(cell) && cell.length === 8 ? cell.toString('hex') : undefined;
      } catch (thrown) {
        if (session.isLost) throw thrown;
        return undefined;
      }
    }, signal);
  }

  async #takeTime(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const seen = await this.#snapshot(signal);
    if ('limitation' in seen) return await this.#takeLaggedTime(request, field, seen, signal);
    const [oldest] = seen.open;
    const lagMs = request.safetyLagMs ?? 0;
    const bound = Math.min(seen.atMicros, oldest?.floorMicros ?? seen.atMicros);
    return { upTo: storedUpTo(bound - lagMs * 1_000, request, field), report: reportOf(oldest, lagMs) };
  }

  /** A secondary has at least the data up to its newest row; its clock does not show what it has applied. */
  async #takeLaggedTime(
    request: ReadRequest,
    field: Column,
    { limitation, isSecondary }: Limited,
    signal: AbortSignal,
  ): Promise<PassBound> {
    const report = refused(limitation);
    const lagMicros = (request.safetyLagMs ?? defaultSafetyLagMs) * 1_000;
    const now = await this.#nowMicros(signal);
    if (!isSecondary) return { upTo: storedUpTo(now - lagMicros, request, field), report };
    const newest = await this.#asked.largest(field, signal);
    const newestMs = newest === undefined ? undefined : instantMs(newest, zoneOf(request, field));
    if (newestMs === undefined) return { upTo: 'none', report };
    const applied = Math.min(Math.floor(newestMs) * 1_000, now);
    return { upTo: storedUpTo(applied - lagMicros, request, field), report };
  }

  async #takeId(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const newest = await this.#asked.largest(field, signal);
    let seen = await this.#snapshot(signal);
    if ('limitation' in seen) return await this.#takeSettled(request, newest, seen, signal);
    const lagMs = request.safetyLagMs ?? 0;
    if (newest === undefined) return { upTo: 'none', report: reportOf(undefined, lagMs) };
    // The id was seen before this moment: what was open then and still is has an older floor.
    this.#marks = [...this.#marks, { atMicros: seen.atMicros, text: newest }];
    if (lagMs > 0 && this.#marks.length === 1) {
      await this.#clock.sleep(lagMs + 1, signal);
      seen = await this.#snapshot(signal);
      if ('limitation' in seen) return { upTo: 'none', report: refused(seen.limitation) };
    }
    const [oldest] = seen.open;
    const settled = this.#settled(oldest, seen.atMicros - lagMs * 1_000);
    const report = reportOf(settled?.text === newest ? undefined : oldest, lagMs);
    return { upTo: settled ? { text: settled.text, isInclusive: true } : 'none', report };
  }

  /** The newest mark that is older than all open work, and old enough; older marks are dropped. */
  #settled(oldest: OpenTransaction | undefined, mostMicros: number): Mark | undefined {
    const limit = oldest?.floorMicros ?? Number.POSITIVE_INFINITY;
    const index = this.#marks.findLastIndex(({ atMicros }) => atMicros < limit && atMicros <= mostMicros);
    if (index < 0) return undefined;
    this.#marks = this.#marks.slice(index);
    return this.#marks[0];
  }

  /** For ids, safetyLag means the high-water mark as it was that long ago. */
  async #takeSettled(
    request: ReadRequest,
    newest: string | undefined,
    { limitation }: Limited,
    signal: AbortSignal,
  ): Promise<PassBound> {
    const report = refused(limitation);
    this.#seen ??= new SeenMarks(this.#clock, request.safetyLagMs ?? defaultSafetyLagMs);
    if (newest === undefined) return { upTo: 'none', report };
    this.#seen.add(newest);
    if (this.#seen.settled() === undefined) await this.#clock.sleep(this.#seen.waitMs() ?? 0, signal);
    const text = this.#seen.settled();
    return text === undefined ? { upTo: 'none', report } : { upTo: { text, isInclusive: true }, report };
  }

  async #snapshot(signal: AbortSignal): Promise<OpenTransactions> {
    return await this.#read(await this.#asked.session(signal), signal);
  }

  async #nowMicros(signal: AbortSignal): Promise<number> {
    const session = await this.#asked.session(signal);
    const [[now] = []] = await session.query('SELECT CONVERT(varchar(27), SYSUTCDATETIME(), 121)', signal);
    return microsOf(String(now));
  }
}

type Limited = Extract<OpenTransactions, { readonly limitation: string }>;

function isRowversion({ nativeType }: Column): boolean {
  return nativeType === 'rowversion';
}

/**
 * How much earlier than the clock a column may store a time, beyond the digits that its type has: datetime has every third or fourth
 * millisecond, and smalldatetime rounds to whole minutes.
 */
function roundingMicros({ nativeType }: Column): number {
  switch (nativeType) {
    case 'smalldatetime':
      return 30_000_000;
    case 'datetime':
      return 4_000;
    default:
      return 0;
  }
}

function storedUpTo(micros: number, request: ReadRequest, field: Column): PassBound['upTo'] {
  return timeUpTo(micros - roundingMicros(field), request, field);
}
