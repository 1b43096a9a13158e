/** What was taken of a budget. */
export interface Share {
  /** To what it turned out to be: more is never waited for, but those who come next wait for it. */
  resize(amount: number): void;
  /** Once is enough; a second time does nothing. */
  release(): void;
}

interface Waiter {
  readonly amount: number;
  readonly admit: () => void;
}

/**
 * An amount of something that many use at one time. Who asks for more than is free waits, in order of arrival. More than there is at
 * all is admitted alone.
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
