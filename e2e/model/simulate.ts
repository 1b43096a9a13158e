import type { KeyValue, Operation, TxnRequest } from '../../coordination/etcd/transport.ts';
import { Keys } from '../../coordination/keys.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import { ModelAgent } from './agent.ts';
import { Database } from './database.ts';
import { EtcdServer } from './etcd-server.ts';
import { Faults } from './faults.ts';
import { Link } from './link.ts';
import { dataSourceOf, syncs } from './objects.ts';
import { Process } from './process.ts';
import { Witness } from './witness.ts';
import { World } from './world.ts';

export interface TraceResult {
  readonly seed: number;
  readonly hash: number;
  readonly steps: number;
  readonly violation: string | undefined;
  readonly story: readonly string[];
  readonly commits: number;
  readonly refusals: number;
  readonly claims: number;
}

/** Faults happen during this time; then the run is observed for half as long again. */
const faultMs = 4_000;
/** Everything must continue within this time after the last fault: the longest backoff of the engine, and a lease. */
const recoveryMs = 90_000;

const keys = new Keys('/');

/** One run, determined by the seed. */
export async function simulate(
  seed: number,
  options: { readonly isVerbose?: boolean } = {},
): Promise<TraceResult> {
  const world = new World(seed, { isVerbose: options.isVerbose === true });
  const cluster = new ModelCluster(world);
  cluster.start();
  await world.run(faultMs * 2);
  if (world.violation === undefined && (seed % 50 === 0 || cluster.wasRestored))
    await cluster.requireProgress();
  const { commits, refusals, claims } = cluster.witness;
  const { steps, violation, story = [] } = world;
  return { seed, hash: world.trace.value, steps, violation, story, commits, refusals, claims };
}

/** Two or three agents, etcd and a database. */
class ModelCluster {
  readonly witness: Witness;
  readonly #world: World;
  readonly #etcd: EtcdServer;
  readonly #database: Database;
  readonly #faults: Faults;
  readonly #syncs: readonly Sync[];
  readonly #warehouse: DataSource;

  constructor(world: World) {
    this.#world = world;
    this.witness = new Witness(world);
    this.#etcd = new EtcdServer(world);
    this.#database = new Database(this.witness, world.random.isTrue(0.5));
    this.#syncs = syncs.slice(0, world.random.isTrue(0.6) ? 1 : 2);
    // One slot for both syncs, so they take turns.
    this.#warehouse = dataSourceOf('warehouse', world.random.isTrue(0.15) ? 1 : undefined);
    this.#faults = new Faults(world, this.#etcd, this.witness, keys);
    const follow = this.#etcd.state.onRevision;
    this.#etcd.state.onRevision = (revision) => {
      follow(revision);
      for (const { kind, pair } of revision.events) if (kind === 'put') this.#put(pair);
    };
  }

  get wasRestored(): boolean {
    return this.#faults.epoch > 0;
  }

  start(): void {
    const count = this.#world.random.isTrue(0.7) ? 2 : 3;
    for (let index = 0; index < count; index++) {
      const delayMs = this.#world.random.between(0, 50);
      this.#world.at(delayMs, undefined, `start of a${index}`, () => this.#startAgent(`a${index}`));
    }
    this.#faults.plan(faultMs);
  }

  /** No fault lasts: rows must move again, whatever has happened. */
  async requireProgress(): Promise<void> {
    this.#faults.end();
    const before = this.#syncs.map(({ uid }) => this.witness.rowsOf(uid));
    const hasMoved = () =>
      this.#syncs.every(({ uid }, index) => this.witness.rowsOf(uid) > (before[index] ?? 0));
    const untilMs = this.#world.nowMs + recoveryMs;
    while (!hasMoved() && this.#world.nowMs < untilMs && this.#world.violation === undefined)
      await this.#world.run(this.#world.nowMs + 1_000);
    if (!hasMoved()) this.#world.fail(`no rows move ${recoveryMs / 1_000} s after the last fault`);
  }

  #startAgent(name: string): void {
    const process = new Process(this.#world, name);
    const toEtcd = new Link(this.#world, process, 'etcd');
    const toDatabase = new Link(this.#world, process, 'db');
    const agent = new ModelAgent({
      world: this.#world,
      process,
      etcd: this.#etcd,
      database: this.#database,
      witness: this.witness,
      toEtcd,
      toDatabase,
      syncs: this.#syncs,
      warehouse: this.#warehouse,
      onTxn: (request, link) => this.#txn(request, link),
    });
    this.#faults.add({ process, toEtcd, toDatabase, agent, restart: () => this.#startAgent(name) });
    // In its own process from the first step on.
    this.#world.at(0, process, `${name} lives`, () => {
      agent.live().catch((error: unknown) => this.#world.fail(`${name} ends: ${String(error)}`));
    });
  }

  #put({ key, value, lease }: KeyValue): void {
    const name = keys.lastPart(key);
    if (key.startsWith(keys.assignments))
      this.witness.assignmentsAre(this.#etcd.state.under(keys.assignments));
    else if (key === keys.offset(name)) this.witness.mirrored(name, value);
    else if (key === keys.lock(name)) {
      const process = this.#etcd.grantedTo.get(lease);
      if (process !== undefined) this.witness.lockCreated(name, process);
    }
  }

  #txn(request: TxnRequest, link: Link): () => void {
    if (!willWrite(request, keys.assignments, this.#etcd)) return () => {};
    const lease = this.#etcd.state.get(keys.leader)?.lease;
    const leader = lease === undefined ? undefined : this.#etcd.grantedTo.get(lease);
    return () => this.witness.assignmentsWritten(link.process, leader);
  }
}

/** Whether a transaction that arrives now puts or deletes keys under a prefix. */
function willWrite(request: TxnRequest, prefix: string, etcd: EtcdServer): boolean {
  const chosen = etcd.state.decide(request) ? request.success : (request.failure ?? []);
  return chosen.some((operation: Operation) =>
    operation.kind === 'txn'
      ? willWrite(operation, prefix, etcd)
      : operation.kind !== 'get' && operation.key.startsWith(prefix),
  );
}
