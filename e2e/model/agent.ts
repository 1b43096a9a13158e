import { runSync } from '../../agent/engine/run-sync.ts';
import { EngineShared } from '../../agent/engine/shared.ts';
import { coordinateOver } from '../../coordination/connect.ts';
import type { AgentSession, AssignmentChange, Coordination } from '../../coordination/contract.ts';
import type { TxnRequest } from '../../coordination/etcd/transport.ts';
import { Stopped } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { Secret } from '../../core/secret.ts';
import { type DataSource, objectName, type Sync } from '../../core/sync-spec.ts';
import type { SyncLock, SyncStore } from '../../core/sync-store.ts';
import type { Database } from './database.ts';
import { ModelDestination } from './database-client.ts';
import { ModelTransport } from './etcd-client.ts';
import type { EtcdServer } from './etcd-server.ts';
import type { Link } from './link.ts';
import { definition, leaseTtlMs, relation, remedies, shop, types } from './objects.ts';
import type { Process } from './process.ts';
import { ModelSource } from './source.ts';
import type { Held, Witness } from './witness.ts';
import type { World } from './world.ts';

export interface AgentInput {
  readonly world: World;
  readonly process: Process;
  readonly etcd: EtcdServer;
  readonly database: Database;
  readonly witness: Witness;
  readonly toEtcd: Link;
  readonly toDatabase: Link;
  readonly syncs: readonly Sync[];
  readonly warehouse: DataSource;
  /** Called before a transaction is executed; what it returns is called afterwards, unless the transaction was refused. */
  readonly onTxn: (request: TxnRequest, link: Link) => () => void;
}

/** An agent of the model: sessions, locks, elections and the engine are those of production; only the systems behind them are simulated. */
export class ModelAgent {
  readonly #input: AgentInput;
  readonly #shared: EngineShared;
  readonly #drain = new AbortController();
  readonly #running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();

  constructor(input: AgentInput) {
    this.#input = input;
    this.#shared = new EngineShared(input.process.clock);
  }

  /** SIGTERM: gives everything back and leaves. */
  drain(): void {
    this.#drain.abort(new Stopped('drain'));
  }

  async live(): Promise<void> {
    const { world, process, etcd, toEtcd, onTxn } = this.#input;
    const transport = new ModelTransport(world, etcd, toEtcd, onTxn);
    const coordination = coordinateOver(transport, '/', process.clock);
    while (!this.#drain.signal.aborted) {
      const session = await this.#join(coordination);
      if (session === undefined) await process.clock.sleep(300);
      else await this.#serve(session, coordination);
    }
  }

  async #join(coordination: Coordination): Promise<AgentSession | undefined> {
    const { name } = this.#input.process;
    try {
      return await coordination.join({ name, labels: {}, version: '1', instance: name }, { leaseTtlMs });
    } catch {
      return undefined;
    }
  }

  async #serve(session: AgentSession, coordination: Coordination): Promise<void> {
    const ends = AbortSignal.any([session.signal, this.#drain.signal]);
    const watching = session.watchAssignments(
      (assignments) => {
        this.#follow(session, assignments, ends);
      },
      () => {},
    );
    const leading = this.#lead(session, coordination, ends);
    await aborted(ends);
    await watching.close();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await leading;
    await session.leave();
  }

  /** Starts and stops its assigned syncs. */
  #follow(session: AgentSession, assignments: ReadonlyMap<string, unknown>, ends: AbortSignal): void {
    for (const [uid, { stop }] of this.#running) if (!assignments.has(uid)) stop.abort(new Stopped('drain'));
    for (const uid of assignments.keys()) {
      const sync = this.#input.syncs.find((each) => each.uid === uid);
      if (sync === undefined || this.#running.has(uid) || ends.aborted) continue;
      const stop = new AbortController();
      const done = this.#run(session, sync, AbortSignal.any([stop.signal, ends]))
        .catch((error: unknown) => {
          if (!session.signal.aborted) this.#input.world.fail(`the run of ${uid} failed: ${String(error)}`);
        })
        .finally(() => this.#running.delete(uid));
      this.#running.set(uid, { stop, done });
    }
  }

  async #run(session: AgentSession, sync: Sync, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const { era } = this.#input.witness;
      const lock = await session.store.acquire(sync);
      if (lock !== undefined) await this.#runLocked(session, sync, { lock, era }, stop);
      else await session.untilFree(sync.uid, stop).catch(() => {});
    }
  }

  async #runLocked(
    session: AgentSession,
    sync: Sync,
    { lock, era }: { readonly lock: SyncLock; readonly era: number },
    stop: AbortSignal,
  ): Promise<void> {
    const { world, process, database, witness, toDatabase } = this.#input;
    // An agent that was stopped may not know yet that it lost the lock: the destination refuses it.
    const believes = () => !lock.signal.aborted && process.isAwake;
    const held = { uid: sync.uid, owner: process, era, believes };
    const forget = witness.holds(held);
    const named = { ...relation, name: objectName(sync.spec.destination) };
    const connector = {
      types,
      remedies,
      check: async () => ({ version: '1', findings: [] }),
      discover: async () => [relation],
      openSource: async () => new ModelSource(world, process, relation, witness, sync.uid),
      openDestination: async () => new ModelDestination(database, toDatabase, named),
    };
    try {
      await runSync({
        sync,
        source: shop,
        destination: this.#input.warehouse,
        lock,
        stop,
        store: this.#watched(session.store, held),
        shared: this.#shared,
        secrets: { read: async () => new Secret('') },
        definitionOf: () => ({ ...definition, load: async () => connector }),
        agentName: process.name,
        clock: process.clock,
        log: silentLog,
        observer: { batchWritten() {}, passEnded() {}, attemptFailed() {} },
      });
    } finally {
      forget();
      await lock.release();
    }
  }

  /** The witness records which slots it holds. */
  #watched(store: SyncStore, held: Held): SyncStore {
    const { witness } = this.#input;
    return {
      acquire: (sync) => store.acquire(sync),
      setRateDemand: (dataSource, demand) => store.setRateDemand(dataSource, demand),
      rateDemands: (dataSource) => store.rateDemands(dataSource),
      acquireSlots: async (sync, dataSources, signal, onWait) => {
        const slots = await store.acquireSlots(sync, dataSources, signal, onWait);
        const limits = dataSources.filter(({ spec }) => spec.maxConcurrentSyncs !== undefined);
        const leaves = limits.map(() => witness.holdsSlot(held));
        return {
          hasWaiters: slots.hasWaiters,
          release: async () => {
            for (const leave of leaves) leave();
            await slots.release();
          },
        };
      },
    };
  }

  async #lead(session: AgentSession, coordination: Coordination, ends: AbortSignal): Promise<void> {
    const { clock } = this.#input.process;
    while (!ends.aborted) {
      try {
        const leadership = await session.campaign(ends);
        const reigns = AbortSignal.any([leadership.signal, ends]);
        while (!reigns.aborted) {
          const changes = await this.#decide(coordination);
          if (changes.length > 0) await leadership.write(changes);
          await clock.sleep(this.#input.world.random.between(300, 1_500), reigns);
        }
        await leadership.resign();
      } catch {
        // Lost, or etcd is unavailable: retry.
        if (!ends.aborted) await clock.sleep(200, ends).catch(() => {});
      }
    }
  }

  /** Assigns syncs to live agents; sometimes moves one to another agent for no reason. */
  async #decide(coordination: Coordination): Promise<AssignmentChange[]> {
    const { random } = this.#input.world;
    const agents = (await coordination.cluster.agents()).map(({ name }) => name);
    const known = new Map((await coordination.cluster.assignments()).map((each) => [each.uid, each.agent]));
    const [first, ...others] = agents;
    if (first === undefined) return [];
    return this.#input.syncs.flatMap(({ uid }): AssignmentChange[] => {
      const from = known.get(uid);
      if (from !== undefined && agents.includes(from) && !random.isTrue(0.15)) return [];
      const agent = random.pick([first, ...others]);
      const versions = { syncVersion: '1', sourceVersion: '1', destinationVersion: '1' };
      const assignment = { uid, agent, ...versions, assignedAt: '' };
      return [{ kind: 'assign', assignment, ...(from !== undefined && { from }) }];
    });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
