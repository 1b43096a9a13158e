import { createHash } from 'node:crypto';
import { secretReferences } from './access.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { ConnectionRoom } from './connection-room.ts';
import type { SystemAccess } from './connector.ts';
import { asIdraError, type IdraError, transient } from './errors.ts';
import { Semaphore } from './semaphore.ts';
import type { Lent, PooledSession, SessionKey, SessionPool } from './sessions.ts';

/** Number of connections that are opened to one server concurrently: a server overloaded with logins answers nobody. */
const openingAtOnce = 3;
const closedAfterIdleMs = 5_000;
/** Maximum age of a session: changes on the server (rights, settings of a role) reach every session within this time. */
const maxAgeMs = 10 * 60_000;
/**
 * Above this number of connections a server's idle sessions are closed before another is opened, and returning a session waits for its
 * reset.
 */
const pooledPerServer = 16;
/**
 * If no session is returned or closed for so long, another one is opened: holders of the lent sessions may be waiting for it. While sessions
 * are returned, this is no deadlock, however slow the machine is.
 */
const stillWaitMs = 5_000;
/** For a caller that others overtake all the time. */
const longestWaitMs = 60_000;

/** Identifies interchangeable sessions: same server, config, secrets and role. Secrets are only hashed. */
export function sessionKey(access: SystemAccess, server: string, role: string): SessionKey {
  const secrets = secretReferences(access.config).map(({ path }) => access.secret(path)?.reveal() ?? '');
  const identity = createHash('sha256')
    .update(JSON.stringify([server, role, access.config, secrets]))
    .digest('hex');
  return { server, identity, dataSource: access.dataSource };
}

/**
 * The sessions of SQL servers in one process. The session that was returned last is lent first, so that the others become idle and are
 * closed. After a server reports too many connections, no further one is opened for this data source until some time has passed.
 */
export class ServerSessions implements SessionPool {
  readonly #servers = new Map<string, OneServer>();
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async lend<S extends PooledSession>(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<S>,
    signal: AbortSignal,
  ): Promise<Lent<S>> {
    let server = this.#servers.get(key.server);
    if (!server) {
      server = new OneServer(this.#clock);
      this.#servers.set(key.server, server);
    }
    return await server.lend(key, open, signal);
  }

  /** Closes idle sessions. */
  async closeIdle(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.closeIdle()));
  }
}

interface Kept {
  readonly identity: string;
  readonly session: PooledSession;
  readonly openedMs: number;
  timer: NodeJS.Timeout | undefined;
}

interface Refused {
  readonly count: number;
  readonly error: IdraError;
  readonly untilMs: number;
}

class OneServer {
  readonly #clock: Clock;
  readonly #opening = new Semaphore(openingAtOnce);
  /** The most recently returned session is last. */
  #idle: Kept[] = [];
  readonly #room: ConnectionRoom;
  /** By data source: the limit may be that of its role or database, and others may still get connections. */
  readonly #refused = new Map<string, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#room = new ConnectionRoom(clock, pooledPerServer);
  }

  async lend<S extends PooledSession>(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<S>,
    signal: AbortSignal,
  ): Promise<Lent<S>> {
    signal.throwIfAborted();
    const kept = this.#takeIdle(key.identity) ?? (await this.#opened(key, open, signal));
    return { session: kept.session as S, giveBack: (isUsable) => this.#giveBack(kept, isUsable) };
  }

  async closeIdle(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((kept) => this.#close(kept)));
  }

  async #opened(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<PooledSession>,
    signal: AbortSignal,
  ): Promise<Kept> {
    const returned = await this.#takeRoom(key, signal);
    if (returned) return returned;
    let opened: Kept | undefined;
    try {
      return await this.#opening.use(signal, async () => {
        // A session may have been returned while this call waited.
        const idle = this.#takeIdle(key.identity);
        if (idle) return idle;
        this.#requireNotRefused(key);
        opened = await this.#openNew(key, open, signal);
        return opened;
      });
    } finally {
      if (!opened) this.#room.leave();
    }
  }

  async #openNew(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<PooledSession>,
    signal: AbortSignal,
  ): Promise<Kept> {
    try {
      const session = await open(signal);
      this.#refused.delete(key.dataSource);
      const openedMs = this.#clock.monotonicMs();
      return { identity: key.identity, session, openedMs, timer: undefined };
    } catch (thrown) {
      this.#noteRefusal(key, thrown);
      throw thrown;
    }
  }

  /** Waits for a free connection slot, or for a session that is returned meanwhile. */
  async #takeRoom({ identity }: SessionKey, signal: AbortSignal): Promise<Kept | undefined> {
    const startMs = this.#clock.monotonicMs();
    for (;;) {
      const idle = this.#takeIdle(identity);
      if (idle) return idle;
      const stillMs = Math.max(startMs, this.#room.changedMs) + stillWaitMs;
      // Of many callers that have waited long enough one opens a connection above the limit; the others see first whether that suffices.
      const untilMs = Math.max(
        Math.min(stillMs, startMs + longestWaitMs),
        this.#room.exceededMs + stillWaitMs,
      );
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (!this.#room.isFull || leftMs <= 0) {
        this.#room.take();
        return undefined;
      }
      const other = this.#idle.shift();
      if (other) await this.#close(other);
      else await this.#room.change(leftMs, signal);
    }
  }

  #noteRefusal({ dataSource }: SessionKey, thrown: unknown): void {
    const error = asIdraError(thrown);
    if (error.code !== 'TooManyConnections') return;
    const count = (this.#refused.get(dataSource)?.count ?? 0) + 1;
    const waitMs = backoffMs(count, { baseMs: 1_000 });
    this.#refused.set(dataSource, { count, error, untilMs: this.#clock.monotonicMs() + waitMs });
  }

  #requireNotRefused({ dataSource }: SessionKey): void {
    const refused = this.#refused.get(dataSource);
    const leftMs = (refused?.untilMs ?? 0) - this.#clock.monotonicMs();
    if (!refused || leftMs <= 0) return;
    const message = `the server of ${dataSource} has no connection free for it (${refused.error.message}); retry in ${Math.ceil(leftMs / 1_000)} s`;
    throw transient('TooManyConnections', message, {
      fix: 'raise the connection limit of the server, role or database, or lower maxConcurrentSyncs of the data sources',
      cause: refused.error,
    });
  }

  #takeIdle(identity: string): Kept | undefined {
    for (;;) {
      const at = this.#idle.findLastIndex((kept) => kept.identity === identity);
      const [kept] = at < 0 ? [] : this.#idle.splice(at, 1);
      if (!kept) return undefined;
      clearTimeout(kept.timer);
      if (!kept.session.isLost) return kept;
      void this.#close(kept);
    }
  }

  /** Resolves when the session is reset to its initial state: no transaction of the last user is open any more. */
  async #giveBack(kept: Kept, isUsable: boolean): Promise<void> {
    const isOld = this.#clock.monotonicMs() - kept.openedMs > maxAgeMs;
    const isKept = isUsable && !isOld && !kept.session.isLost && (await resetOf(kept.session));
    if (!isKept) {
      await this.#close(kept);
      return;
    }
    this.#idle.push(kept);
    this.#room.changed();
    kept.timer = setTimeout(() => {
      const at = this.#idle.indexOf(kept);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      void this.#close(kept);
    }, closedAfterIdleMs);
  }

  async #close(kept: Kept): Promise<void> {
    clearTimeout(kept.timer);
    await kept.session.close().catch(() => {});
    this.#room.leave();
  }
}

async function resetOf(session: PooledSession): Promise<boolean> {
  try {
    await session.reset();
    return !session.isLost;
  } catch {
    return false;
  }
}
