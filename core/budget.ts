/** An acquired part of a budget. */
export interface Share {
  /** Adjusts the share to the actual amount. Growing never waits, but later requests wait for it. */
  resize(amount: number): void;
  /** Idempotent. */
  release(): void;
}

interface Waiter {
  readonly amount: number;
  readonly admit: () => void;
}

/**
 * An amount shared by concurrent users. A request for more than is free waits, in order of arrival. A request for more than the whole
 * budget is admitted when nothing else is in use.
 */
export class Budget {
  readonly #total: number;
  #used = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(total: number) {
    this.#total = total;
  }

  get used(): number {
    return this.#used;
  }

  async take(amount: number, signal?: AbortSignal): Promise<Share> {
    signal?.throwIfAborted();
    if (this.#waiting.size > 0 || !this.#fits(amount)) await this.#turn(amount, signal);
    else this.#used += amount;
    return this.#shareOf(amount);
  }

  #shareOf(amount: number): Share {
    let held = amount;
    const set = (next: number) => {
      this.#used += next - held;
      held = next;
      this.#admit();
    };
    let isReleased = false;
    return {
      resize: (next) => {
        if (!isReleased) set(next);
      },
      release: () => {
        if (!isReleased) set(0);
        isReleased = true;
      },
    };
  }

  async #turn(amount: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
        this.#admit();
      };
      const admit = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { amount, admit };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.amount)) return;
      this.#waiting.delete(waiter);
      this.#used += waiter.amount;
      waiter.admit();
    }
  }

  #fits(amount: number): boolean {
    return this.#used === 0 || this.#used + amount <= this.#total;
  }
}
