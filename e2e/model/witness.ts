import type { KeyValue } from '../../coordination/etcd/transport.ts';
import type { CommitRow } from '../../core/connector.ts';
import { decodeOffset, type Offset } from '../../core/offset.ts';
import { formatToken, type Token } from '../../core/token.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** A lock or a slot, as its holder sees it. */
export interface Held {
  readonly uid: string;
  readonly owner: Process;
  /** The `era` in which its lock was requested. */
  readonly era: number;
  /** Whether its holder believes at this moment that it holds it. */
  readonly believes: () => boolean;
}

/** Records everything that becomes durable and everything that is believed, and reports which invariant is violated. */
export class Witness {
  readonly #world: World;
  readonly #highest = new Map<string, Token>();
  readonly #done = new Map<string, number>();
  readonly #mirrored = new Map<string, number>();
  readonly #durable = new Map<string, number>();
  readonly #locks = new Set<Held>();
  readonly #slots = new Set<Held>();
  /** Number of the current etcd; increases when etcd is replaced. */
  era = 0;
  commits = 0;
  claims = 0;
  refusals = 0;
  assignments = 0;

  constructor(world: World) {
    this.#world = world;
  }

  rowsOf(uid: string): number {
    return this.#done.get(uid) ?? 0;
  }

  claimed(uid: string, { token, offset }: CommitRow): void {
    this.claims += 1;
    this.#rise(uid, token, 'claim');
    if (idOf(offset) !== this.rowsOf(uid))
      this.#world.fail(`a claim of ${uid} finds offset ${idOf(offset)} beside ${this.rowsOf(uid)} rows`);
  }

  /** At most one effective writer; each row exactly once; the offset with the rows. */
  committed(uid: string, token: Token, offset: string | null, rows: readonly number[]): void {
    this.commits += 1;
    this.#rise(uid, token, 'commit');
    for (const id of rows) {
      const next = this.rowsOf(uid) + 1;
      if (id !== next) this.#world.fail(`row ${id} of ${uid} is written where row ${next} is due`);
      this.#done.set(uid, id);
    }
    if (idOf(offset) !== this.rowsOf(uid))
      this.#world.fail(`offset ${idOf(offset)} of ${uid} is stored beside ${this.rowsOf(uid)} rows`);
  }

  refused(): void {
    this.refusals += 1;
  }

  /** The mirror is never ahead, and never goes back. */
  mirrored(uid: string, offset: string): void {
    const id = idOf(offset);
    if (id > this.rowsOf(uid))
      this.#world.fail(`the mirror of ${uid} says ${id}, and there are ${this.rowsOf(uid)} rows`);
    const before = this.#mirrored.get(uid) ?? 0;
    if (id < before) this.#world.fail(`the mirror of ${uid} goes back from ${before} to ${id}`);
    this.#mirrored.set(uid, id);
    this.#durable.set(uid, Math.max(id, this.#durable.get(uid) ?? 0));
  }

  /** The source may delete only what is durable at the destination and in the mirror. */
  acknowledged(uid: string, offset: Offset): void {
    const id = offset.mode === 'Id' ? Number(offset.id) : 0;
    if (id > (this.#durable.get(uid) ?? 0))
      this.#world.fail(`the source of ${uid} may forget row ${id} before its offset is durable`);
  }

  holds(lock: Held): () => void {
    if (lock.era !== this.era) return () => {};
    this.#locks.add(lock);
    return () => this.#locks.delete(lock);
  }

  /** The data source has only one slot. */
  holdsSlot(slot: Held): () => void {
    // A slot of an etcd that was replaced may be held a little longer: slots limit load, not writers.
    if (slot.era !== this.era) return () => {};
    for (const other of this.#slots) {
      if (other.believes() && slot.believes())
        this.#world.fail(`${slot.owner.name} has the slot that ${other.owner.name} has for ${other.uid}`);
    }
    this.#slots.add(slot);
    return () => this.#slots.delete(slot);
  }

  /** A new owner: nobody else may still believe to be the owner. */
  lockCreated(uid: string, by: Process): void {
    for (const lock of this.#locks) {
      if (lock.uid === uid && lock.owner !== by && lock.believes())
        this.#world.fail(`${by.name} gets the lock of ${uid} while ${lock.owner.name} goes by it`);
    }
  }

  /** Their beliefs may come from a state that was rolled back. */
  etcdRestored(): void {
    this.era += 1;
    this.#locks.clear();
    this.#slots.clear();
    this.#mirrored.clear();
  }

  assignmentsWritten(by: Process, leader: Process | undefined): void {
    this.assignments += 1;
    if (leader !== by) this.#world.fail(`${by.name} assigns, and the leader is ${leader?.name ?? 'nobody'}`);
  }

  assignmentsAre(pairs: readonly KeyValue[]): void {
    const owners = new Map<string, string>();
    for (const { key } of pairs) {
      const uid = key.slice(key.lastIndexOf('/') + 1);
      if (owners.has(uid)) this.#world.fail(`${uid} is assigned twice: ${owners.get(uid)} and ${key}`);
      owners.set(uid, key);
    }
  }

  #rise(uid: string, token: Token, what: string): void {
    const highest = this.#highest.get(uid) ?? 0n;
    if (token < highest)
      this.#world.fail(`a ${what} of ${uid} with token ${formatToken(token)} after ${formatToken(highest)}`);
    this.#highest.set(uid, token);
  }
}

function idOf(offset: string | null): number {
  const decoded = offset === null ? null : decodeOffset(offset);
  return decoded?.mode === 'Id' ? Number(decoded.id) : 0;
}
