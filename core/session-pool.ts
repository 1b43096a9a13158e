import { createHash } from 'node:crypto';
import { secretReferences } from './access.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { ConnectionRoom } from './connection-room.ts';
import type { SystemAccess } from './connector.ts';
import { asIdraError, type IdraError, transient } from './errors.ts';
import { LoginTurns } from './login-turns.ts';
import { ofNamespaceWithMost } from './namespace-with-most.ts';
import type { Lent, PooledSession, SessionKey, SessionPool } from './sessions.ts';
import { namespaceOf } from './sync-spec.ts';

const closedAfterIdleMs = 5_000;
/** Maximum age of a session: changes on the server (rights, settings of a role) reach every session within this time. */
const maxAgeMs = 10 * 60_000;
/**
 * Above this number of connections a server's idle sessions are closed before another is opened, and returning a session waits for its
 * reset.
 */
const pooledPerServer = 16;
/** One or two Syncs. A namespace that holds no more never has to make way. */
const fewSessions = 4;
const nextMakesWayMs = 1_000;

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
      // The address of a DataSource may change again and again.
      for (const [name, each] of this.#servers) if (each.isUnused) this.#servers.delete(name);
      server = new OneServer(this.#clock);
      this.#servers.set(key.server, server);
    }
    return await server.lend(key, open, signal);
  }

  /**
   * Whether a pass between these data sources has to return its sessions: another namespace needs a connection to one of their servers,
   * and none holds more of them than that of the pass. True for one pass each second, because its sessions may suffice.
   */
  mustMakeWay(...dataSources: readonly string[]): boolean {
    const servers = [...this.#servers.values()];
    return servers.some((server) => dataSources.some((dataSource) => server.mustMakeWay(dataSource)));
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
  readonly #logins: LoginTurns;
  /** The most recently returned session is last. */
  #idle: Kept[] = [];
  readonly #room: ConnectionRoom<Kept>;
  /** Number of sessions by data source. */
  readonly #lent = new Map<string, number>();
  /** When a pass was last told to make way. */
  #madeWayMs = Number.NEGATIVE_INFINITY;
  /** By data source: the limit may be that of its role or database, and others may still get connections. */
  readonly #refused = new Map<string, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#logins = new LoginTurns(clock);
    this.#room = new ConnectionRoom(clock, pooledPerServer, {
      take: (identity) => this.#takeIdle(identity),
      closeOne: () => {
        const oldest = this.#idle.shift();
        return oldest && closed(oldest);
      },
    });
  }

  /** Nothing of it is remembered. */
  get isUnused(): boolean {
    const nowMs = this.#clock.monotonicMs();
    return this.#room.isEmpty && [...this.#refused.values()].every(({ untilMs }) => untilMs <= nowMs);
  }

  async lend<S extends PooledSession>(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<S>,
    signal: AbortSignal,
  ): Promise<Lent<S>> {
    const { dataSource, identity } = key;
    const idle = await this.#room.enter({ namespace: namespaceOf(dataSource), identity }, signal);
    const kept = idle ?? (await this.#opened(key, open, signal));
    this.#count(dataSource, 1);
    const giveBack = async (isUsable: boolean) => {
      this.#count(dataSource, -1);
      await this.#giveBack(kept, isUsable);
    };
    if (signal.aborted) {
      await giveBack(true);
      throw signal.reason;
    }
    return { session: kept.session as S, giveBack };
  }

  mustMakeWay(dataSource: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const namespace = namespaceOf(dataSource);
    const isAsked = this.#lent.has(dataSource) && this.#isNeededBesides(namespace);
    if (!isAsked || nowMs - this.#madeWayMs < nextMakesWayMs) return false;
    const lent = [...this.#lent].map(([name, amount]) => ({ namespace: namespaceOf(name), amount }));
    const most = ofNamespaceWithMost(lent, (each) => each).filter((each) => each.namespace === namespace);
    if (most.reduce((sum, { amount }) => sum + amount, 0) <= fewSessions) return false;
    this.#madeWayMs = nowMs;
    return true;
  }

  #isNeededBesides(namespace: string): boolean {
    if (this.#room.isAwaitedBesides(namespace)) return true;
    const nowMs = this.#clock.monotonicMs();
    return [...this.#refused].some(
      ([dataSource, { untilMs }]) => untilMs > nowMs && namespaceOf(dataSource) !== namespace,
    );
  }

  #count(dataSource: string, change: number): void {
    const count = (this.#lent.get(dataSource) ?? 0) + change;
    if (count > 0) this.#lent.set(dataSource, count);
    else this.#lent.delete(dataSource);
  }

  async closeIdle(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((kept) => this.#close(kept)));
  }

  async #opened(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<PooledSession>,
    signal: AbortSignal,
  ): Promise<Kept> {
    let opened: Kept | undefined;
    try {
      return await this.#logins.use(namespaceOf(key.dataSource), signal, async () => {
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
    kept.timer = setTimeout(() => {
      const at = this.#idle.indexOf(kept);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      void this.#close(kept);
    }, closedAfterIdleMs);
    this.#room.returned();
  }

  async #close(kept: Kept): Promise<void> {
    await closed(kept);
    this.#room.leave();
  }
}

async function closed({ session, timer }: Kept): Promise<undefined> {
  clearTimeout(timer);
  await session.close().catch(() => {});
}

async function resetOf(session: PooledSession): Promise<boolean> {
  try {
    await session.reset();
    return !session.isLost;
  } catch {
    return false;
  }
}
