import { type Clock, systemClock } from '../../core/clock.ts';
import {
  asIdraError,
  type Disposition,
  describeError,
  type IdraError,
  Stopped,
  transient,
} from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { withDeadline } from '../../process/signals.ts';
import { type RetryLimits, WorkQueue } from './work-queue.ts';

export interface ReconcileResult {
  /** Reconcile this key again after this time in any case. */
  readonly requeueAfterMs?: number | undefined;
}

export interface ControllerOptions {
  /** For logs and metrics: `sync`. */
  readonly name: string;
  /**
   * Brings the state in line with the object of this key, from the current content of the caches: level-based, so repeating it is
   * harmless (Invariant 8). A deleted object is a key like any other. Throws IdraErrors; the signal ends it.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
  /** All existing keys: used at the start, and spread over each resync period. */
  readonly keys: () => Iterable<string>;
  /** Caches that must be complete before the first reconcile. */
  readonly sources: readonly { whenSynced(signal: AbortSignal): Promise<void> }[];
  readonly log: Log;
  readonly metrics?: ControllerMetrics | undefined;
  readonly concurrency?: number | undefined;
  readonly resyncMs?: number | undefined;
  /** A longer reconcile is aborted, so that it delays no other key. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

export interface ControllerMetrics {
  onReconcile(controller: string, outcome: 'success' | Disposition, seconds: number): void;
  /** Called after each change of the queue; `delayed` keys are not due yet. */
  onQueue(controller: string, depth: number, delayed: number): void;
}

const soon: RetryLimits = { baseMs: 500, maxMs: 120_000 };
/** For permanent errors: usually the object must change first, which the watch shows; but rights and other objects change too. */
const late: RetryLimits = { baseMs: 30_000, maxMs: 600_000 };
const retryLimits: Record<Disposition, RetryLimits> = {
  transient: soon,
  fenced: soon,
  permanent: late,
  bug: late,
};

/** A queue and the workers that empty it. May be run again after its signal has fired: a leader may be re-elected. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #clock: Clock;
  readonly #random: () => number;
  #isRunning = false;

  constructor(options: ControllerOptions) {
    const { clock = systemClock, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#queue = new WorkQueue({ clock, random });
  }

  /** Call on any change that may concern this key. Cheap. Ignored while the controller does not run: a run starts with all keys. */
  enqueue(key: string): void {
    if (!this.#isRunning) return;
    this.#queue.add(key);
    this.#measure();
  }

  enqueueAfter(key: string, delayMs: number): void {
    if (!this.#isRunning) return;
    this.#queue.addAfter(key, delayMs);
    this.#measure();
  }

  /** Resolves when the signal has fired and every running reconcile has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { sources, keys, concurrency = 4 } = this.#options;
    this.#isRunning = true;
    try {
      await Promise.all(sources.map((source) => source.whenSynced(signal)));
      for (const key of keys()) this.#queue.add(key);
      const loops = Array.from({ length: concurrency }, () => this.#work(signal));
      await Promise.all([...loops, this.#resync(signal)]);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      this.#isRunning = false;
      this.#queue.clear();
      this.#measure();
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.next(signal); key !== undefined; key = await this.#queue.next(signal)) {
      try {
        await this.#reconcile(key, signal);
      } finally {
        this.#queue.done(key);
        this.#measure();
      }
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { name, reconcile, timeoutMs = 60_000, metrics } = this.#options;
    const startedMs = this.#clock.monotonicMs();
    const observe = (outcome: 'success' | Disposition) =>
      metrics?.onReconcile(name, outcome, (this.#clock.monotonicMs() - startedMs) / 1_000);
    try {
      const result = await withDeadline(timeoutMs, signal, (deadline) => reconcile(key, deadline));
      this.#queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.#queue.addAfter(key, result.requeueAfterMs);
      observe('success');
    } catch (thrown) {
      if (signal.aborted) {
        // Not done: the next term, or the next process, starts with all keys.
        return;
      }
      const error = thrown instanceof Stopped ? timeout(key, timeoutMs, thrown) : asIdraError(thrown);
      const failures = this.#queue.retry(key, retryLimits[error.disposition]);
      observe(error.disposition);
      this.#report(key, error, failures);
    }
  }

  #report(key: string, error: IdraError, failures: number): void {
    const { name, log } = this.#options;
    const fields = { controller: name, key, code: error.code, failures, error: describeError(error) };
    if (error.disposition === 'bug') log.error('reconcile failed', { ...fields, stack: stackOf(error) });
    // A single conflict or lost connection is normal.
    else if (failures > 1 || error.disposition !== 'transient') log.warn('reconcile failed', fields);
  }

  /**
   * In each period except the first, every key is enqueued at a time of its own (thousands must not come at once), unless it was
   * reconciled before.
   */
  async #resync(signal: AbortSignal): Promise<void> {
    const { keys, resyncMs = 600_000 } = this.#options;
    while (
      await this.#clock.sleep(resyncMs, signal).then(
        () => true,
        () => false,
      )
    ) {
      for (const key of keys()) this.#queue.addAfter(key, this.#random() * resyncMs);
    }
  }

  #measure(): void {
    this.#options.metrics?.onQueue(this.#options.name, this.#queue.depth, this.#queue.delayed);
  }
}

function timeout(key: string, timeoutMs: number, cause: Stopped): IdraError {
  return transient('ReconcileTimeout', `reconcile of ${key} took longer than ${timeoutMs} ms`, { cause });
}

function stackOf(error: IdraError): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}
