import type { SystemAccess } from '../../core/connector.ts';
import { transient } from '../../core/errors.ts';
import { type Role, Session } from './session.ts';

/** The session of one owner, opened again when it was lost. One that is opened while its owner closes is closed as well. */
export class OwnSession {
  readonly #access: SystemAccess;
  readonly #role: Role;
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #stop: AbortController | undefined;
  #isClosed = false;

  constructor(access: SystemAccess, role: Role, session?: Session) {
    this.#access = access;
    this.#role = role;
    this.#session = session;
  }

  /** What is open now. */
  get current(): Session | undefined {
    return this.#session?.isLost === false ? this.#session : undefined;
  }

  async get(signal: AbortSignal): Promise<Session> {
    for (;;) {
      this.#requireOpen();
      const { current } = this;
      if (current) return current;
      const others = this.#opening;
      if (!others) return await this.#open(signal);
      // The signal of whoever opens it is not ours: an attempt that it ends is made again.
      await others.catch(() => {});
      signal.throwIfAborted();
    }
  }

  /** Gives the session back; the next `get` opens another one. */
  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.abort(closed(this.#access));
    const opened = await this.#opening?.catch(() => undefined);
    await Promise.all([this.#session?.close(), opened?.close()]);
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const stop = new AbortController();
    this.#stop = stop;
    this.#opening = Session.open(this.#access, this.#role, AbortSignal.any([signal, stop.signal]));
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
    if (this.#isClosed) throw closed(this.#access);
  }
}

function closed({ dataSource }: SystemAccess): Error {
  return transient('Closed', `${dataSource}: the connection was closed while it was used`);
}
