import { onAbort } from './aborted.ts';
import type { Clock } from './clock.ts';
import { type InLine, NamespaceTurns } from './namespace-turns.ts';

/** Number of connections that are opened to one server concurrently: a server overloaded with logins answers nobody. */
const loginsAtOnce = 3;
/**
 * A login that takes longer gives its turn to the next one. A server may delay the logins of one user or database (a lock, a directory
 * that does not answer, a pause after wrong passwords), which must not keep others from it.
 */
const turnMs = 5_000;

interface Waiter extends InLine {
  readonly admit: () => void;
}

/** Limits the concurrent logins to one server; callers wait by turns of their namespaces. */
export class LoginTurns {
  readonly #clock: Clock;
  readonly #line = new NamespaceTurns<Waiter>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async use<T>(namespace: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(namespace, signal);
    const isOver = new AbortController();
    const leave = () => {
      this.#count -= 1;
      this.#serve();
    };
    void this.#clock.sleep(turnMs, isOver.signal).then(leave, leave);
    try {
      return await work();
    } finally {
      isOver.abort();
    }
  }

  async #enter(namespace: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { namespace, sinceMs: this.#clock.monotonicMs(), admit: resolve };
    this.#line.add(waiter);
    this.#serve();
    const unlisten = onAbort(signal, () => {
      if (this.#line.remove(waiter)) reject(signal.reason);
    });
    try {
      await promise;
    } finally {
      unlisten();
    }
  }

  #serve(): void {
    while (this.#count < loginsAtOnce) {
      const next = this.#line.shift();
      if (!next) return;
      this.#count += 1;
      next.admit();
    }
  }
}
