import { onAbort } from './aborted.ts';
import type { Clock } from './clock.ts';
import { type InLine, NamespaceTurns } from './namespace-turns.ts';

/**
 * If no returned connection has served a caller for so long, another one is opened: holders of connections may be waiting for it. While
 * callers are served, this is no deadlock, however slow the machine is.
 */
const stillWaitMs = 5_000;
/** For a caller that others overtake all the time. */
const longestWaitMs = 60_000;

export interface Caller {
  readonly namespace: string;
  /** Sessions of one identity are interchangeable. */
  readonly identity: string;
}

/** Sessions that are connected and not lent. They count as connections. */
export interface IdleSessions<S> {
  take(identity: string): S | undefined;
  /** Closes one of any identity. Undefined: there is none. */
  closeOne(): Promise<undefined> | undefined;
}

interface Waiter<S> extends Caller, InLine {
  readonly admit: (session: S | undefined | Promise<undefined>) => void;
}

/**
 * Counts the connections of one server, including those being opened or closed, and decides who gets the next one: a session that is
 * idle, or the right to open one. At the limit callers wait, by turns of their namespaces.
 */
export class ConnectionRoom<S> {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #idle: IdleSessions<S>;
  readonly #line = new NamespaceTurns<Waiter<S>>();
  #count = 0;
  /** By the monotonic clock: when a caller was last served within the limit, and when one above it. */
  #servedMs = Number.NEGATIVE_INFINITY;
  #exceededMs = Number.NEGATIVE_INFINITY;
  /** Aborted when nobody waits any more. */
  #watching: AbortController | undefined;

  constructor(clock: Clock, limit: number, idle: IdleSessions<S>) {
    this.#clock = clock;
    this.#limit = limit;
    this.#idle = idle;
  }

  /** No connection, and nobody waits. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#line.first === undefined;
  }

  /** Whether a caller of another namespace waits. */
  isAwaitedBesides(namespace: string): boolean {
    return this.#line.namespaces.some((other) => other !== namespace);
  }

  /** Undefined: the caller has a place to open a connection, which `leave` returns. Rejects with the signal's reason. */
  async enter(caller: Caller, signal: AbortSignal): Promise<S | undefined> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<S | undefined>();
    const waiter = { ...caller, sinceMs: this.#clock.monotonicMs(), admit: resolve };
    this.#line.add(waiter);
    this.#serve();
    const unlisten = onAbort(signal, () => {
      if (this.#line.remove(waiter)) reject(signal.reason);
      this.#serve();
    });
    try {
      return await promise;
    } finally {
      unlisten();
    }
  }

  /** A connection was closed or not opened. */
  leave(): void {
    this.#count -= 1;
    this.#serve();
  }

  /** A session has become idle. */
  returned(): void {
    this.#serve();
  }

  #serve(): void {
    while (this.#line.first && this.#serveOne(this.#line.first));
    if (this.#line.first) {
      if (!this.#watching) void this.#watch();
      return;
    }
    this.#watching?.abort();
    this.#watching = undefined;
  }

  /** False: it has to wait. */
  #serveOne({ identity }: Waiter<S>): boolean {
    const session = this.#idle.take(identity);
    if (session) this.#admit(session);
    else if (this.#count < this.#limit) {
      this.#count += 1;
      this.#admit(undefined);
    } else {
      const closing = this.#idle.closeOne();
      if (!closing) return false;
      // Above the limit the place of a closed connection is given up.
      if (this.#count > this.#limit) void closing.then(() => this.leave());
      else this.#admit(closing);
    }
    return true;
  }

  #admit(session: S | undefined | Promise<undefined>): void {
    this.#servedMs = this.#clock.monotonicMs();
    this.#line.shift()?.admit(session);
  }

  /** Opens connections above the limit, for one caller at a time: the others see first whether that suffices. */
  async #watch(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    while (!watching.signal.aborted) {
      const leftMs = this.#exceedsAtMs() - this.#clock.monotonicMs();
      if (leftMs > 0) await this.#clock.sleep(leftMs, watching.signal).catch(() => {});
      else this.#exceed();
    }
  }

  #exceed(): void {
    this.#exceededMs = this.#clock.monotonicMs();
    this.#count += 1;
    this.#line.shift()?.admit(undefined);
    this.#serve();
  }

  #exceedsAtMs(): number {
    const sinceMs = this.#line.oldestSinceMs;
    const stillMs = Math.max(sinceMs, this.#servedMs) + stillWaitMs;
    return Math.max(Math.min(stillMs, sinceMs + longestWaitMs), this.#exceededMs + stillWaitMs);
  }
}
