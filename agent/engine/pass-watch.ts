import type { Clock } from '../../core/clock.ts';

/** A due pass that has read or written nothing for this time is overdue. */
const overdueAfterMs = 90_000;
/** What it waits for may have changed by then. */
const reportEveryMs = 30_000;

export interface PassReports {
  /** `sinceMs`: time of the last progress, ms since 1970 by the wall clock; `doing`: what the pass waits for. */
  overdue(sinceMs: number, doing: string): void;
  /** An overdue pass has made progress. */
  onTime(): void;
}

/**
 * Reports a pass that makes no progress, whatever it waits for: each wait has a limit of its own, but some are long, and the status would
 * show the last pass until then. It watches from one rest to the next.
 */
export class PassWatch {
  readonly #clock: Clock;
  readonly #reports: PassReports;
  #doing: () => string = () => 'connecting to both systems';
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
      // The watch was stopped.
    });
  }

  stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  /** An intended wait: for the next pass, or for a limit of rows per second. */
  async rest<T>(wait: () => Promise<T>): Promise<T> {
    this.stop();
    try {
      return await wait();
    } finally {
      this.start();
    }
  }

  /** A function is asked when the text is reported. */
  doing(what: string | (() => string)): void {
    this.#doing = typeof what === 'string' ? () => what : what;
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
        this.#reports.overdue(this.#progressTimeMs, this.#doing());
      }
      await this.#clock.sleep(leftMs > 0 ? leftMs : reportEveryMs, signal);
    }
  }
}
