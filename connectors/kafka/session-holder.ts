import type { SystemAccess } from '../../core/connector.ts';
import { sessionKey } from '../../core/session-pool.ts';
import type { Lent } from '../../core/sessions.ts';
import { readConfig } from './config.ts';
import { KafkaSession } from './session.ts';

/** The session of one end of a Sync: lent by the pool of the process, if there is one, until the end rests. */
export class SessionHolder {
  readonly #access: SystemAccess;
  readonly #role: string;
  #held: Promise<Lent<KafkaSession>> | undefined;

  constructor(access: SystemAccess, role: string) {
    this.#access = access;
    this.#role = role;
  }

  async get(signal: AbortSignal): Promise<KafkaSession> {
    signal.throwIfAborted();
    this.#held ??= this.#lend(signal);
    try {
      return (await this.#held).session;
    } catch (thrown) {
      this.#held = undefined;
      throw thrown;
    }
  }

  /** Undefined: none is held at the moment. */
  async held(): Promise<KafkaSession | undefined> {
    const held = await this.#held?.catch(() => undefined);
    return held?.session;
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    const lent = await held?.catch(() => undefined);
    await lent?.giveBack(!lent.session.isLost);
  }

  async #lend(signal: AbortSignal): Promise<Lent<KafkaSession>> {
    const access = this.#access;
    const open = (openSignal: AbortSignal) => KafkaSession.open(access, openSignal);
    if (access.sessions) {
      const server = readConfig(access).brokers.toSorted().join();
      return await access.sessions.lend(sessionKey(access, server, this.#role), open, signal);
    }
    const session = await open(signal);
    return { session, giveBack: () => session.close() };
  }
}
