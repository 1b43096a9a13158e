import type { Clock } from '../../core/clock.ts';
import type { SyncLock } from '../../core/sync-store.ts';

/** The events that end a wait of one sync: time, a request, its stop, or the loss of its lock. */
export class Wake {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #lost: AbortSignal;
  readonly #unsubscribe: () => void;
  #request = new AbortController();

  constructor(input: { readonly clock: Clock; readonly stop: AbortSignal; readonly lock: SyncLock }) {
    this.#clock = input.clock;
    this.#stop = input.stop;
    this.#lost = input.lock.signal;
    this.#unsubscribe = input.lock.onRequest(() => this.#request.abort());
  }

  isStopped(): boolean {
    return this.#stop.aborted || this.#lost.aborted;
  }

  /** Fires when requests have arrived since requestsSeen. */
  get request(): AbortSignal {
    return this.#request.signal;
  }

  /** Call before reading the requests, so that none that arrives later is missed. */
  requestsSeen(): void {
    if (this.#request.signal.aborted) this.#request = new AbortController();
  }

  /** Fires at the next event for which a running pass must stop. */
  interrupt(isAtomic: boolean): AbortSignal {
    return isAtomic
      ? AbortSignal.any([this.#stop, this.#lost])
      : AbortSignal.any([this.#stop, this.#lost, this.request]);
  }

  /** Ends when the time is over, a request arrives or the sync is stopped. */
  async sleep(ms: number): Promise<void> {
    const signal = this.interrupt(false);
    await this.#clock.sleep(Math.min(ms, maxTimerMs), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  close(): void {
    this.#unsubscribe();
  }
}

/** Longer timers overflow setTimeout; the caller checks the time again. */
const maxTimerMs = 2 ** 31 - 1;
