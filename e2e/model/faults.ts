import type { Keys } from '../../coordination/keys.ts';
import type { CrashPoint } from '../../core/crash-points.ts';
import type { ModelAgent } from './agent.ts';
import type { EtcdServer } from './etcd-server.ts';
import type { EventOwner } from './event-queue.ts';
import { calm, type Link, type Weather } from './link.ts';
import { leaseTtlMs } from './objects.ts';
import type { Process } from './process.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

export interface Victim {
  readonly process: Process;
  readonly toEtcd: Link;
  readonly toDatabase: Link;
  readonly agent: ModelAgent;
  readonly restart: () => void;
}

/** The faults of one run: some at random moments, some at crash points, and unreliable links. */
export class Faults {
  /** Epoch of etcd, which increases with each restore. */
  epoch = 0;
  readonly #world: World;
  readonly #etcd: EtcdServer;
  readonly #empty: () => void;
  readonly #witness: Witness;
  readonly #keys: Keys;
  readonly #victims = new Map<string, Victim>();
  #toEtcd: Weather = calm;
  #toDatabase: Weather = calm;
  #isOver = false;

  constructor(world: World, etcd: EtcdServer, witness: Witness, keys: Keys) {
    this.#world = world;
    this.#etcd = etcd;
    this.#empty = etcd.state.snapshot();
    this.#witness = witness;
    this.#keys = keys;
  }

  plan(withinMs: number): void {
    const { random } = this.#world;
    const isBad = random.isTrue(0.5);
    this.#toDatabase = {
      delayMs: random.pick([4, 50, 400]),
      lost: isBad ? random.pick([0, 0.05]) : 0,
      late: isBad ? random.pick([0.1, 0.3]) : 0,
      lateMs: 4 * leaseTtlMs,
      doubled: 0,
    };
    this.#toEtcd = {
      delayMs: random.pick([4, 4, 30, 100]),
      lost: isBad ? random.pick([0, 0.02, 0.1]) : 0,
      late: isBad ? random.pick([0, 0.02, 0.1]) : 0,
      lateMs: 1.5 * leaseTtlMs,
      doubled: isBad ? random.pick([0, 0.05]) : 0,
    };
    const count = Math.floor(random.between(1, 5));
    for (let index = 0; index < count; index++) {
      const fault = random.pick(kinds);
      this.#world.at(random.between(warmUpMs, withinMs), undefined, `fault ${fault}`, () =>
        this.#strike(fault),
      );
    }
    const atPoint = random.isTrue(0.4) ? 0.01 : 0;
    this.#world.onCrashPoint = (point, owner) => this.#reach(point, owner, atPoint);
  }

  add(victim: Victim): void {
    this.#victims.set(victim.process.name, victim);
    victim.toEtcd.weather = this.#toEtcd;
    victim.toDatabase.weather = this.#toDatabase;
  }

  end(): void {
    this.#isOver = true;
    this.#toEtcd = calm;
    this.#toDatabase = calm;
    for (const victim of this.#victims.values()) this.add(victim);
  }

  #strike(fault: Fault): void {
    const { random } = this.#world;
    const victim = this.#choose();
    const forMs = random.between(0.2, 3) * leaseTtlMs;
    this.#world.log(`${fault} of ${victim.process.name} for ${Math.round(forMs)} ms`);
    this.#deeds[fault](victim, forMs);
  }

  /** Usually one that has something to lose. */
  #choose(): Victim {
    const { random } = this.#world;
    const owners = this.#etcd.state.under(this.#keys.locks).flatMap(({ lease }) => {
      const victim = this.#victims.get(this.#etcd.grantedTo.get(lease)?.name ?? '');
      return victim === undefined ? [] : [victim];
    });
    const all = [...this.#victims.values()];
    return random.pick((owners.length > 0 && random.isTrue(0.8) ? owners : all) as [Victim, ...Victim[]]);
  }

  readonly #deeds: Record<Fault, (victim: Victim, forMs: number) => void> = {
    pause: ({ process }, forMs) => process.pause(forMs),
    kill: (victim, forMs) => this.#kill(victim, forMs),
    drain: ({ agent, process, restart }, forMs) => {
      agent.drain();
      this.#world.at(4 * leaseTtlMs + forMs, undefined, 'restart', () => {
        process.kill();
        restart();
      });
    },
    'cut from etcd': ({ toEtcd }, forMs) => toEtcd.cut(forMs),
    'cut from the database': ({ toDatabase }, forMs) => toDatabase.cut(forMs),
    'cut from both': ({ toEtcd, toDatabase }, forMs) => {
      toEtcd.cut(forMs);
      toDatabase.cut(forMs);
    },
    'etcd silent': (_victim, forMs) => this.#etcd.fallSilent(forMs),
    'watches broken': () => this.#etcd.breakWatches(),
    compaction: () => {
      this.#etcd.state.compact();
      this.#etcd.breakWatches();
    },
    'wall clock jumps': ({ process }) => process.jumpWallClock(this.#world.random.between(-1e8, 1e8)),
    'etcd replaced': () => this.#restore(this.#empty),
    'etcd restored': (_victim, forMs) => {
      const backTo = this.#etcd.state.snapshot();
      this.#world.at(forMs, undefined, 'etcd goes back', () => this.#restore(backTo));
    },
  };

  #kill({ process, restart }: Victim, forMs: number): void {
    if (process.isDead) return;
    process.kill();
    this.#world.at(forMs, undefined, 'restart', restart);
  }

  /** As documented: the epoch increases before any client is served. */
  #restore(backTo: () => void): void {
    this.epoch += 1;
    const value = JSON.stringify({ epoch: this.epoch });
    this.#witness.etcdRestored();
    this.#etcd.restore(backTo, () => {
      this.#etcd.state.txn({ compare: [], success: [{ kind: 'put', key: this.#keys.epoch, value }] });
    });
  }

  #reach(_point: CrashPoint, owner: EventOwner, probability: number): Promise<void> | undefined {
    const { random } = this.#world;
    if (this.#isOver || !random.isTrue(probability)) return undefined;
    const victim = this.#victims.get(owner.name);
    if (victim === undefined || victim.process !== owner) return undefined;
    const forMs = random.between(0.2, 3) * leaseTtlMs;
    if (random.isTrue(0.3)) {
      this.#kill(victim, forMs);
      return new Promise(() => {});
    }
    victim.process.pause(forMs);
    return new Promise((resolve) => victim.process.timer(0, resolve));
  }
}

/** Before this time nobody owns anything. */
const warmUpMs = 500;

/** The first ones are more frequent. */
const kinds = [
  'pause',
  'pause',
  'pause',
  'kill',
  'cut from etcd',
  'cut from both',
  'cut from both',
  'kill',
  'drain',
  'cut from etcd',
  'cut from the database',
  'cut from both',
  'etcd silent',
  'watches broken',
  'compaction',
  'wall clock jumps',
  'etcd restored',
  'etcd replaced',
] as const;
type Fault = (typeof kinds)[number];
