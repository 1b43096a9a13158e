/** What one party holds, of one budget or of several. */
export interface Account {
  held: number;
}

/** An acquired part of a budget. */
export interface Share {
  readonly amount: number;
  /** Adjusts the share to the actual amount. Growing never waits, but later requests wait for it. */
  resize(amount: number): void;
  /** Idempotent. */
  release(): void;
}

interface Waiter {
  readonly amount: number;
  readonly account: Account;
  readonly admit: (share: Share) => void;
}

/** After so many others an account is first, whatever it holds: what it holds may be stuck for hours. */
const mostOvertaken = 10;

/**
 * An amount shared by concurrent users. A request for more than is free waits: the account that holds least is first, then the order of
 * arrival decides; nobody is overtaken for ever. A request for more than the whole budget is admitted when nothing else is in use.
 */
export class Budget {
  readonly #total: number;
  #used = 0;
  readonly #waiting = new Set<Waiter>();
  /** How often others were admitted while an account waits. Of this budget alone: who is served by another one may still starve here. */
  #overtaken: ReadonlyMap<Account, number> = new Map();

  constructor(total: number) {
    this.#total = total;
  }

  get used(): number {
    return this.#used;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The account whose request is admitted next. */
  get next(): Account | undefined {
    return this.#first()?.account;
  }

  async take(amount: number, signal?: AbortSignal, account: Account = { held: 0 }): Promise<Share> {
    signal?.throwIfAborted();
    const share = this.#waiting.size === 0 ? this.#takeFree(amount, account) : undefined;
    return share ?? (await this.#turn(amount, account, signal));
  }

  /** Before all that wait; undefined if there is not enough, or if somebody who waits was overtaken often enough. */
  takeBefore(amount: number, account: Account): Share | undefined {
    const { next } = this;
    if (next && this.#isFirstNow(next)) return undefined;
    const share = this.#takeFree(amount, account);
    if (share) this.#countOvertaken();
    return share;
  }

  #takeFree(amount: number, account: Account): Share | undefined {
    if (this.#used > 0 && this.#used + amount > this.#total) return undefined;
    let held = 0;
    const set = (next: number) => {
      this.#used += next - held;
      account.held += next - held;
      held = next;
    };
    set(amount);
    let isReleased = false;
    const change = (next: number) => {
      if (isReleased) return;
      set(next);
      this.#admit();
    };
    return {
      get amount() {
        return held;
      },
      resize: change,
      release: () => {
        change(0);
        isReleased = true;
      },
    };
  }

  async #turn(amount: number, account: Account, signal: AbortSignal | undefined): Promise<Share> {
    return await new Promise<Share>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
        this.#admit();
      };
      const admit = (share: Share) => {
        signal?.removeEventListener('abort', leave);
        resolve(share);
      };
      const waiter = { amount, account, admit };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #admit(): void {
    for (;;) {
      const first = this.#first();
      if (!first) return;
      const share = this.#takeFree(first.amount, first.account);
      if (!share) return;
      this.#waiting.delete(first);
      this.#countOvertaken(first.account);
      first.admit(share);
    }
  }

  #countOvertaken(admitted?: Account): void {
    const before = this.#overtaken;
    const waiting = [...this.#waiting].map(({ account }) => account);
    this.#overtaken = new Map(
      waiting.map((account) => [account, account === admitted ? 0 : (before.get(account) ?? 0) + 1]),
    );
  }

  #isFirstNow(account: Account): boolean {
    return (this.#overtaken.get(account) ?? 0) >= mostOvertaken;
  }

  #first(): Waiter | undefined {
    let first: Waiter | undefined;
    for (const waiter of this.#waiting)
      if (!first || this.#rankOf(waiter.account) < this.#rankOf(first.account)) first = waiter;
    return first;
  }

  #rankOf(account: Account): number {
    return this.#isFirstNow(account) ? -1 : account.held;
  }
}
