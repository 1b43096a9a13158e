import { answerMemory } from '../../core/answer-memory.ts';
import { Budget } from '../../core/budget.ts';
import type { Clock } from '../../core/clock.ts';
import { ServerSessions } from '../../core/session-pool.ts';
import { type DataSource, qualifiedName } from '../../core/sync-spec.ts';
import { BatchMemory } from './batch-memory.ts';
import { RateBudgets } from './rate-budget.ts';

/**
 * Connections that checks for rows may use concurrently, for each source: a check needs one, opening both ends needs two. They are in
 * addition to those of the passes that hold a slot.
 */
const checkConnections = 4;
/** A check or an opening that takes longer gives its turn to the next one, so that a slow system delays no other sync. */
const checkTurnMs = 2_000;

/** Resources shared by all syncs of one process. */
export class EngineShared {
  readonly sessions: ServerSessions;
  readonly rates: RateBudgets;
  readonly batches: BatchMemory;
  /** Limit of a batch, whatever its Sync says: one that takes the whole budget would let all others wait. */
  readonly largestBatchBytes: number;
  readonly #clock: Clock;
  readonly #checkSlots = new Map<string, Budget>();

  constructor(clock: Clock, bytesInFlight = 128 * 1_024 ** 2) {
    this.#clock = clock;
    this.sessions = new ServerSessions(clock);
    this.rates = new RateBudgets(clock);
    this.batches = new BatchMemory(clock, bytesInFlight);
    this.largestBatchBytes = Math.ceil(bytesInFlight / 4);
    answerMemory.limitFor(bytesInFlight);
  }

  /** Waits for a turn to check a source; returns the function that ends it. */
  async acquireCheckTurn(source: DataSource, connections: number, signal: AbortSignal): Promise<() => void> {
    const share = await this.#checkSlotsOf(source).take(connections, signal);
    const end = new AbortController();
    const leave = () => share.release();
    void this.#clock.sleep(checkTurnMs, end.signal).then(leave, leave);
    return () => end.abort();
  }

  #checkSlotsOf(source: DataSource): Budget {
    const name = qualifiedName(source);
    const known = this.#checkSlots.get(name) ?? new Budget(checkConnections);
    this.#checkSlots.set(name, known);
    return known;
  }

  async close(): Promise<void> {
    await this.sessions.closeIdle();
  }
}
