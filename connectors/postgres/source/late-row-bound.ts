import type { Clock } from '../../../core/clock.ts';
import type { BoundReport, HeldBackBy, ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import { compared } from '../../sql/source/keyset.ts';
import type { PassBound } from '../../sql/source/read-pass.ts';
import { defaultSafetyLagMs, SeenMarks } from '../../sql/source/safety-lag.ts';
import type { Session } from '../session.ts';
import { dialect, literalText } from '../types/literals.ts';
import { instantText, truncateMicros } from '../types/time-text.ts';
import { FinalIds, StartTimes } from './final-values.ts';
import {
  isoTime,
  readVisibility,
  snapshotByLocks,
  snapshotByStarts,
  type Visibility,
} from './open-transactions.ts';

export interface BoundInput {
  readonly session: Session;
  readonly request: ReadRequest;
  readonly field: Column;
  /** The largest value of the field that is visible now, as canonical text. */
  largest(): Promise<string | undefined>;
  /** Why the rows are not created by this server's transactions. */
  elsewhere(): Promise<string | undefined>;
  /** Whether the object has a row that satisfies the condition. */
  has(condition: string): Promise<boolean>;
}

/**
 * A transaction appears in pg_stat_activity a few instructions after it has taken its now(). So the clock is read this long before the
 * snapshot is taken.
 */
const announceMs = 50;
/** For ids: open transactions are mostly short, so a pass waits this long for those that it found. */
const patienceMs = 500;
const pollMs = 20;
/**
 * If nothing is final yet, a pass would read nothing, and so would each first pass of a process on a busy server. Then it waits longer,
 * unless an open transaction is older than this, or is idle, because waiting would not help.
 */
const firstPatienceMs = 20_000;

/** How far it is safe to read a table of PostgreSQL (Invariant 10). One per source, because it remembers earlier snapshots. */
export class LateRowBound {
  readonly #clock: Clock;
  readonly #times = new StartTimes();
  #ids: FinalIds | undefined;
  #marks: SeenMarks | undefined;
  /** On a standby: the commit time of the last replayed transaction. */
  #replayedMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(input: BoundInput, signal: AbortSignal): Promise<PassBound> {
    const seen = await readVisibility(input.session, signal);
    const elsewhere = seen.isStandby ? undefined : await input.elsewhere();
    const visibility = elsewhere === undefined ? seen : { ...seen, limitation: elsewhere };
    return input.request.mode === 'Id'
      ? await this.#takeId(input, visibility, elsewhere, signal)
      : await this.#takeTime(input, visibility, signal);
  }

  async #takeTime(input: BoundInput, visibility: Visibility, signal: AbortSignal): Promise<PassBound> {
    const { session, request } = input;
    let because = visibility.limitation;
    if (because === undefined) {
      await this.#clock.sleep(announceMs, signal);
      const seen = await snapshotByStarts(session, signal);
      because = seen.hidden;
      if (because === undefined) {
        const { bound, heldBackBy } = this.#times.bound(visibility.nowMicros ?? 0n, seen);
        const report: BoundReport = { kind: 'transactions', ...(heldBackBy && { heldBackBy }) };
        const taken = await timeBound(input, bound, request.safetyLagMs ?? 0, report, signal);
        const held = heldBackBy ?? (await heldBackBesides(input, taken, visibility));
        return { ...taken, report: { ...report, ...(held && { heldBackBy: held }) } };
      }
    }
    const report: BoundReport = { kind: 'safetyLag', because, ...behindPrimary(visibility) };
    return await timeBound(
      input,
      visibility.nowMicros,
      request.safetyLagMs ?? defaultSafetyLagMs,
      report,
      signal,
    );
  }

  async #takeId(
    input: BoundInput,
    visibility: Visibility,
    elsewhere: string | undefined,
    signal: AbortSignal,
  ): Promise<PassBound> {
    const { request } = input;
    if (visibility.isStandby) {
      const report: BoundReport = { kind: 'safetyLag', because: 'standby', ...behindPrimary(visibility) };
      if (visibility.nowMicros === undefined) return { upTo: 'none', report };
      // Progress of the primary is shown by the position of the standby, not by the time that has passed.
      this.#replayedMs = Number(visibility.nowMicros / 1000n);
      return await this.#settled(
        await input.largest(),
        request.safetyLagMs ?? defaultSafetyLagMs,
        report,
        signal,
      );
    }
    if (elsewhere !== undefined) {
      const report: BoundReport = { kind: 'safetyLag', because: elsewhere };
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
    const startMs = this.#clock.monotonicMs();
    ids.add(mark, await snapshotByLocks(session, signal));
    const oldMicros = BigInt(this.#clock.now() - firstPatienceMs) * 1000n;
    const isWorthWaiting = (waitedMs: number) =>
      waitedMs < patienceMs || (waitedMs < firstPatienceMs && ids.isFirst && !ids.isStuck(oldMicros));
    while (!ids.isNewestFinal && isWorthWaiting(this.#clock.monotonicMs() - startMs)) {
      await this.#clock.sleep(pollMs, signal);
      ids.observe(await snapshotByLocks(session, signal));
    }
    return ids.final;
  }

  /** The mark as it was that long ago; the first pass waits until there is one. */
  async #settled(
    mark: string | undefined,
    lagMs: number,
    report: BoundReport,
    signal: AbortSignal,
  ): Promise<PassBound> {
    this.#marks ??= new SeenMarks(
      { ...this.#clock, monotonicMs: () => this.#replayedMs ?? this.#clock.monotonicMs() },
      lagMs,
    );
    if (mark !== undefined) this.#marks.add(mark);
    if (this.#marks.settled() === undefined && this.#replayedMs === undefined)
      await this.#clock.sleep(this.#marks.waitMs() ?? 0, signal);
    const settled = this.#marks.settled();
    const heldBackBy = report.heldBackBy ?? (settled === mark ? undefined : lagOf(lagMs, this.#clock.now()));
    return idBound(settled, { ...report, ...(heldBackBy && { heldBackBy }) });
  }
}

function idBound(final: string | undefined, report: BoundReport): PassBound {
  return { upTo: final === undefined ? 'none' : { text: final, isInclusive: true }, report };
}

/**
 * Exclusive, and truncated to the column's precision: `timestamp(0)` rounds, so a stored value may be below the time at which it was
 * taken.
 */
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
  const local = `${literalText(at)}::timestamptz AT TIME ZONE ${zoneSql(request.timeZone)}`;
  const [[text] = []] = await session.query(
    `SELECT (${type.kind === 'date' ? `(${local})::date` : local})::text`,
    signal,
  );
  return { upTo: { text: text ?? '', isInclusive: false }, report };
}

/** PostgreSQL reads `+09:00` as a zone west of Greenwich, as POSIX does. */
function zoneSql(timeZone: string): string {
  return /^[+-]\d\d:\d\d$/.test(timeZone) ? `interval ${literalText(timeZone)}` : literalText(timeZone);
}

function behindPrimary({ isStandby, nowMicros }: Visibility): { readonly heldBackBy?: HeldBackBy } {
  if (!isStandby) return {};
  const since = isoTime(nowMicros ?? 0n);
  return { heldBackBy: { what: 'the standby, which has replayed what was committed until then', since } };
}

function lagOf(lagMs: number, nowMs: number): HeldBackBy {
  return { what: `safetyLag of ${lagMs} ms`, since: new Date(nowMs - lagMs).toISOString() };
}

/**
 * What holds back rows that existed before the pass if no transaction does: the lag, seconds or days that have not ended yet, or values
 * in the future.
 */
async function heldBackBesides(
  { field, request, has }: BoundInput,
  { upTo }: PassBound,
  { nowMicros = 0n }: Visibility,
): Promise<HeldBackBy | undefined> {
  if (typeof upTo === 'string') return undefined;
  const { type } = field;
  const name = dialect.quote(field.name);
  const from = compared(dialect, field, '>=', upTo.text);
  const lagMs = request.safetyLagMs ?? 0;
  const since = isoTime(nowMicros - BigInt(lagMs) * 1000n);
  const isCoarse = type.kind !== 'timestamp' || type.precision === 0;
  const inField = (time: string) =>
    type.kind === 'timestamp' && type.hasZone
      ? `(${time})`
      : `((${time}) AT TIME ZONE ${zoneSql(request.timeZone)})`;
  const seen = inField(`${literalText(instantText(nowMicros, 'Z'))}::timestamp with time zone`);
  const later = inField("pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) interval '1 s'");
  if (await has(`${name} OPERATOR(pg_catalog.>) ${later}`))
    return { what: `values of ${field.name} in the future`, since };
  if (lagMs > 0 && (await has(isCoarse ? from : `${from} AND ${name} OPERATOR(pg_catalog.<) ${seen}`)))
    return lagOf(lagMs, Number(nowMicros / 1000n));
  if (isCoarse && (await has(from))) return { what: `the precision of ${field.name}`, since };
  return undefined;
}
