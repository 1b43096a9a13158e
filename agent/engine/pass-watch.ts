import type { Clock } from '../../core/clock.ts';

/** A pass that is due and has read or written nothing for so long is overdue. */
const overdueAfterMs = 90_000;
/** What it waits for may be another thing by then. */
const reportEveryMs = 30_000;

export interface PassReports {
  /** Wall clock, ms since 1970, of the last progress; `doing`: what the pass waits for. */
  overdue(sinceMs: number, doing: string): void;
  /** What was overdue goes on. */
  onTime(): void;
}

/**
 * Sees to it that a Sync reports a pass that makes no progress, whatever the pass waits for: each wait has a limit of its own, but some
 * last long, and the status of the last pass would stand until then. It watches from one rest to the next.
 */
export class PassWatch {
  readonly #clock: Clock;
  readonly #reports: PassReports;
  #doing = 'reaching both systems';
  #progressMs = 0;
  #progressTimeMs = 0;
  #isOverdue = false;
  #watching: AbortController | undefined;

  constructor(clock: Clock, reports: PassReports) {
    this.#clock = clock;
    this.#reports = reports;
  }

  start(): void {
    if (this.#watching) return;
    this.#markProgress();
    this.#watching = new AbortController();
    this.#watch(this.#watching.signal).catch(() => {
      // It was stopped.
    });
  }

  stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  /** A wait that is wanted: for the next pass, or for a limit of rows per second. */
  async rest<T>(wait: () => Promise<T>): Promise<T> {
    this.stop();
    try {
      return await wait();
    } finally {
      this.start();
    }
  }

  doing(what: string): void {
    this.#doing = what;
  }

  /** Rows were read or written, or a pass has ended. */
  progressed(): void {
    this.#markProgress();
    if (!this.#isOverdue) return;
    this.#isOverdue = false;
    this.#reports.onTime();
  }

  #markProgress(): void {
    this.#progressMs = this.#clock.monotonicMs();
    this.#progressTimeMs = this.#clock.now();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#progressMs + overdueAfterMs - this.#clock.monotonicMs();
      if (leftMs <= 0) {
        this.#isOverdue = true;
        this.#reports.overdue(this.#progressTimeMs, this.#doing);
      }
      await this.#clock.sleep(leftMs > 0 ? leftMs : reportEveryMs, signal);
    }
  }
}
