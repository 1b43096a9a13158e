import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to a chunk: it is forwarded, dropped, or closes the connection (before it is forwarded). */
export type Verdict = 'forward' | 'drop' | 'close';
export type Direction = 'toServer' | 'toClient';
/** Sees each chunk as it passes; undefined means `forward`. */
export type Listener = (chunk: Buffer, connection: number) => Verdict | undefined;

/**
 * A TCP proxy on 127.0.0.1 between a client and a server, with faults. Faults apply to the connections that are open and to later ones
 * until `heal`; `cut` and `cutAfterBytes` also end connections, which cannot be restored.
 */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** Connections open now, and all that were ever accepted. */
  readonly connections: number;
  readonly accepted: number;
  /** Resets every connection; new ones are accepted. */
  cut(): void;
  /** Resets every connection, and new ones at once, as if nobody listened. */
  refuse(): void;
  /** Holds back every byte, in both directions or one, while connections stay open: like an undetected partition. */
  pause(direction?: Direction): void;
  /** Forwards what `pause` held back. */
  resume(): void;
  /** Resets a connection after this many more bytes have passed on it in this direction; the rest is lost. */
  cutAfterBytes(bytes: number, direction: Direction): void;
  onClientData(listener: Listener): void;
  onServerData(listener: Listener): void;
  /** Removes every fault and listener. */
  heal(): void;
  stop(): Promise<void>;
}

export async function faultProxy(targetHost: string, targetPort: number): Promise<FaultProxy> {
  const proxy = new TcpProxy(targetHost, targetPort);
  await proxy.listen();
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly host = '127.0.0.1';
  port = 0;
  accepted = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #paused = new Set<Direction>();
  readonly #listeners: Record<Direction, Listener[]> = { toServer: [], toClient: [] };
  #refusing = false;

  constructor(host: string, port: number) {
    this.#target = { host, port };
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#accept(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.host);
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as { port: number }).port;
    // A test that forgets `stop` still ends.
    this.#server.unref();
  }

  get connections(): number {
    return this.#pairs.size;
  }

  cut(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  pause(direction?: Direction): void {
    for (const each of direction ? [direction] : directions) this.#paused.add(each);
    this.#applyPauses();
  }

  resume(): void {
    this.#paused.clear();
    this.#applyPauses();
  }

  cutAfterBytes(bytes: number, direction: Direction): void {
    const left = new Map<number, number>();
    this.#listeners[direction].push((chunk, connection) => {
      const before = left.get(connection) ?? bytes;
      left.set(connection, before - chunk.length);
      if (chunk.length < before) return 'forward';
      this.#pair(connection)?.writeAndReset(direction, chunk.subarray(0, before));
      return 'drop';
    });
  }

  onClientData(listener: Listener): void {
    this.#listeners.toServer.push(listener);
  }

  onServerData(listener: Listener): void {
    this.#listeners.toClient.push(listener);
  }

  heal(): void {
    this.#refusing = false;
    for (const direction of directions) this.#listeners[direction].length = 0;
    this.resume();
  }

  async stop(): Promise<void> {
    this.heal();
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const id = ++this.accepted;
    const judge = (chunk: Buffer, direction: Direction) => this.#judge(chunk, id, direction);
    const pair = new Pair(id, client, connect(this.#target), judge, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    pair.hold(this.#paused);
  }

  #pair(id: number): Pair | undefined {
    return [...this.#pairs].find((pair) => pair.id === id);
  }

  #applyPauses(): void {
    for (const pair of this.#pairs) pair.hold(this.#paused);
  }

  #judge(chunk: Buffer, connection: number, direction: Direction): Verdict {
    for (const listener of [...this.#listeners[direction]]) {
      const verdict = listener(chunk, connection);
      if (verdict === 'drop' || verdict === 'close') return verdict;
    }
    return 'forward';
  }
}

const directions: readonly Direction[] = ['toServer', 'toClient'];

/** The two sockets of one connection. */
class Pair {
  readonly id: number;
  readonly #from: Record<Direction, Socket>;
  readonly #judge: (chunk: Buffer, direction: Direction) => Verdict;
  #held: ReadonlySet<Direction> = new Set();

  constructor(
    id: number,
    client: Socket,
    server: Socket,
    judge: (chunk: Buffer, direction: Direction) => Verdict,
    onEnd: () => void,
  ) {
    this.id = id;
    this.#from = { toServer: client, toClient: server };
    this.#judge = judge;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // A socket that is reset while it connects keeps its handle, which must not keep the process alive.
      socket.unref();
    }
    for (const direction of directions) this.#carry(direction);
    client.once('close', onEnd);
  }

  /** Reads from a socket only if its direction is not held; unread data stays in the kernel. */
  hold(held: ReadonlySet<Direction>): void {
    this.#held = new Set(held);
    for (const direction of directions) {
      if (this.#held.has(direction)) this.#from[direction].pause();
      else this.#from[direction].resume();
    }
  }

  reset(): void {
    for (const direction of directions) reset(this.#from[direction]);
  }

  /** Flushes these last bytes, then ends both sides. */
  writeAndReset(direction: Direction, last: Buffer): void {
    this.hold(new Set(directions));
    this.#to(direction).write(last, () => this.reset());
  }

  #to(direction: Direction): Socket {
    return this.#from[direction === 'toServer' ? 'toClient' : 'toServer'];
  }

  #carry(direction: Direction): void {
    const from = this.#from[direction];
    const to = this.#to(direction);
    from.on('data', (chunk) => {
      const verdict = this.#judge(chunk as Buffer, direction);
      if (verdict === 'close') this.reset();
      else if (verdict === 'forward' && !to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!this.#held.has(direction)) from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => reset(to));
    from.on('close', () => to.destroySoon());
  }
}

/** A socket that is connecting, or has ended its side, cannot be reset: its handle would never close, and the process would never end. */
function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
