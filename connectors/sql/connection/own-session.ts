import { transient } from '../../../core/errors.ts';

interface OwnedSession {
  readonly isLost: boolean;
  close(): Promise<void>;
}

/** The session of one owner, reopened after a loss. A session that opens while its owner closes is closed as well. */
export class OwnSession<S extends OwnedSession> {
  readonly #dataSource: string;
  readonly #openSession: (signal: AbortSignal) => Promise<S>;
  #session: S | undefined;
  #opening: Promise<S> | undefined;
  #stop: AbortController | undefined;
  #isClosed = false;

  constructor(dataSource: string, open: (signal: AbortSignal) => Promise<S>, session?: S) {
    this.#dataSource = dataSource;
    this.#openSession = open;
    this.#session = session;
  }

  /** The session that is currently open. */
  get current(): S | undefined {
    return this.#session?.isLost === false ? this.#session : undefined;
  }

  async get(signal: AbortSignal): Promise<S> {
    for (;;) {
      this.#requireOpen();
      const { current } = this;
      if (current) return current;
      const others = this.#opening;
      if (!others) return await this.#open(signal);
      // The signal of the caller that opens it is not ours: if that caller aborts the attempt, it is retried.
      await others.catch(() => {});
      signal.throwIfAborted();
    }
  }

  /** Returns the session to the pool; the next `get` opens another one. */
  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.abort(closed(this.#dataSource));
    const opened = await this.#opening?.catch(() => undefined);
    await Promise.all([this.#session?.close(), opened?.close()]);
  }

  async #open(signal: AbortSignal): Promise<S> {
    const stop = new AbortController();
    this.#stop = stop;
    this.#opening = this.#openSession(AbortSignal.any([signal, stop.signal]));
    try {
      const session = await this.#opening;
      this.#session = session;
      this.#requireOpen();
      return session;
    } finally {
      this.#opening = undefined;
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closed(this.#dataSource);
  }
}

function closed(dataSource: string): Error {
  return transient('Closed', `${dataSource}: the connection was closed while it was in use`);
}
