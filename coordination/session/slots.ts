import type { Clock } from '../../core/clock.ts';
import { fenced } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { Places, SlotWait } from '../../core/sync-store.ts';
import type { EtcdReader } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { limited } from '../single/local-slots.ts';
import { type PlaceRecord, parseRecord, readRecords } from '../state/records.ts';
import { byAge } from '../state/requests.ts';
import { Notice } from './change-signal.ts';
import type { Lease } from './lease.ts';
import type { EtcdLock } from './lock.ts';
import type { Outbox } from './write-queue.ts';

/** A sync comes again with its next pass: its board is kept so long, rather than listed and watched anew each time. */
const keptIdleMs = 30_000;

export interface PlaceBoardsInput {
  readonly clock: Clock;
  readonly reader: EtcdReader;
  readonly keys: Keys;
  readonly outbox: Outbox;
  readonly lease: Lease;
  readonly agent: string;
}

/**
 * Places of data sources in etcd: a key for each sync that holds or awaits one, under the session's lease. The oldest hold; so it
 * is fair, and who dies leaves the queue. Everybody takes them in one order (`limited`): no deadlock between two.
 */
export class PlaceBoards {
  readonly #input: PlaceBoardsInput;
  readonly #boards = new Map<string, Board>();

  constructor(input: PlaceBoardsInput) {
    this.#input = input;
    input.lease.signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  async take(
    lock: EtcdLock,
    sync: Sync,
    dataSources: readonly DataSource[],
    signal: AbortSignal,
    onWait: (wait: SlotWait) => void = () => {},
  ): Promise<Places> {
    const { uid } = sync;
    const taken: { board: Board; limit: number }[] = [];
    const release = async () => {
      await Promise.all(taken.splice(0).map(({ board }) => this.#leave(board, uid)));
    };
    try {
      for (const [name, limit] of limited(dataSources)) {
        const board = this.#enter(name);
        taken.push({ board, limit });
        const wanted = { lock, sync, limit, onWait };
        await board.take(wanted, AbortSignal.any([signal, lock.signal]));
      }
    } catch (error) {
      await release();
      throw error;
    }
    return { hasWaiters: () => taken.some(({ board, limit }) => board.count > limit), release };
  }

  /** Called now and then: closes what nobody has used for a while. */
  sweep(): void {
    const idleMs = this.#input.clock.monotonicMs() - keptIdleMs;
    for (const [name, board] of this.#boards) {
      if (board.users > 0 || board.leftMs > idleMs) continue;
      this.#boards.delete(name);
      void board.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#boards.values()].map((board) => board.close()));
  }

  #enter(name: string): Board {
    const board = this.#boards.get(name) ?? new Board(this.#input, name);
    this.#boards.set(name, board);
    board.users += 1;
    return board;
  }

  async #leave(board: Board, uid: string): Promise<void> {
    try {
      await board.leave(uid);
    } finally {
      board.users -= 1;
      board.leftMs = this.#input.clock.monotonicMs();
    }
  }
}

interface Order {
  readonly pairs: readonly KeyValue[];
  readonly rank: ReadonlyMap<string, number>;
  holders: readonly string[] | undefined;
}

interface Wanted {
  readonly lock: EtcdLock;
  readonly sync: Sync;
  readonly limit: number;
  readonly onWait: (wait: SlotWait) => void;
}

/** One data source: its queue, as the watch tells it, for as long as this agent has syncs that come for a place. */
class Board {
  readonly name: string;
  users = 0;
  /** When somebody left last. */
  leftMs = 0;
  readonly #input: PlaceBoardsInput;
  readonly #prefix: string;
  readonly #watch: Reflector;
  readonly #queue = new Map<string, KeyValue>();
  /** Create revisions of the keys of this agent's own syncs. */
  readonly #stood = new Map<string, bigint>();
  readonly #notice = new Notice();
  /** Made once for all that wait. */
  #order: Order | undefined;

  constructor(input: PlaceBoardsInput, name: string) {
    this.name = name;
    this.#input = input;
    const [namespace = '', dataSource = ''] = name.split('/');
    this.#prefix = input.keys.placesOf(namespace, dataSource);
    this.#watch = new Reflector(input.reader, this.#prefix, {
      onPut: (pair) => {
        this.#queue.set(pair.key, pair);
        this.#order = undefined;
      },
      onDelete: (key) => {
        this.#queue.delete(key);
        this.#order = undefined;
      },
      onSettled: () => this.#notice.tell(),
      onError() {},
    });
  }

  get count(): number {
    return this.#queue.size;
  }

  async take(wanted: Wanted, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { limit, sync, onWait } = wanted;
    const key = `${this.#prefix}${sync.uid}`;
    const revision = await this.#stand(wanted, key, signal);
    this.#stood.set(key, revision);
    const isMine = () => {
      // What this watch does not know to be gone counts as there: it may wait too long by an instant, never too short.
      if (this.#rank(key, revision) < limit) return true;
      onWait({ dataSource: this.name, limit, holders: this.#holders(limit) });
      return false;
    };
    await this.#notice.until(isMine, signal);
  }

  async leave(uid: string): Promise<void> {
    const key = `${this.#prefix}${uid}`;
    const revision = this.#stood.get(key);
    const { outbox, lease } = this.#input;
    if (revision === undefined || !lease.isAlive()) return;
    this.#stood.delete(key);
    const compare = [{ key, create: revision }];
    await outbox
      .send({ write: () => ({ compare, success: [{ kind: 'delete', key }] }) })
      .catch((error: unknown) => {
        // The lease has taken it along.
        if (lease.isAlive()) throw error;
      });
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  /** Into the queue; returns the create revision. A key of the last owner, whose lease has not run out, is waited for. */
  async #stand({ lock, sync }: Wanted, key: string, signal: AbortSignal): Promise<bigint> {
    const { outbox, lease, agent } = this.#input;
    const value = JSON.stringify({ agent, sync: qualifiedName(sync) } satisfies PlaceRecord);
    for (;;) {
      const delivery = await outbox.send({
        write: () => ({
          compare: [lock.condition, { key, create: 0n }],
          success: [{ kind: 'put', key, value, lease: lease.id }],
          failure: [
            { kind: 'get', key },
            { kind: 'get', key: lock.condition.key },
          ],
        }),
      });
      if (delivery?.succeeded) return delivery.revision;
      const [place, held] = delivery?.results.map(({ pairs }) => pairs?.[0]) ?? [];
      if (held?.createRevision !== lock.createRevision) {
        lock.lose();
        throw fenced(`the lock of the sync that wants a place of ${this.name} is gone`);
      }
      if (place?.lease === lease.id) return place.createRevision;
      await this.#notice.until(
        () => !this.#queue.has(key) || this.#queue.get(key)?.lease === lease.id,
        signal,
      );
    }
  }

  #rank(key: string, revision: bigint): number {
    const mine = this.#queue.get(key);
    if (mine?.createRevision !== revision) return Number.POSITIVE_INFINITY;
    return this.#ordered().rank.get(key) ?? Number.POSITIVE_INFINITY;
  }

  #holders(limit: number): readonly string[] {
    const order = this.#ordered();
    order.holders ??= order.pairs
      .slice(0, limit)
      .map((pair) => readRecords([pair], syncOf)[0] ?? pair.key.slice(this.#prefix.length));
    return order.holders;
  }

  #ordered(): Order {
    if (this.#order) return this.#order;
    const pairs = [...this.#queue.values()].sort(byAge);
    this.#order = { pairs, rank: new Map(pairs.map(({ key }, rank) => [key, rank])), holders: undefined };
    return this.#order;
  }
}

function syncOf(pair: KeyValue): string | undefined {
  return parseRecord<PlaceRecord>(pair).sync;
}
