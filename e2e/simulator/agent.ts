import { randomUUID } from 'node:crypto';
import { connectCoordination } from '../../coordination/connect.ts';
import type { AgentSession, Assignment, Coordination } from '../../coordination/contract.ts';
import { systemClock } from '../../core/clock.ts';
import type { Sync } from '../../core/sync-spec.ts';
import type { SyncLock } from '../../core/sync-store.ts';
import type { SimulatorInput } from './messages.ts';

/**
 * An agent with everything except the connectors: its own client, lease and watch, a real lock for each sync, and timers instead of
 * passes.
 */
export class SimulatedAgent {
  readonly session: AgentSession;
  readonly #coordination: Coordination;
  readonly #input: SimulatorInput;
  readonly #running = new Map<string, AbortController>();
  readonly #locks = new Set<string>();

  static async join(name: string, input: SimulatorInput): Promise<SimulatedAgent> {
    const coordination = connectCoordination(input);
    const agent = { name, labels: {}, version: '0', instance: randomUUID() };
    const session = await coordination.join(agent, { leaseTtlMs: input.leaseTtlMs });
    return new SimulatedAgent(coordination, session, input);
  }

  private constructor(coordination: Coordination, session: AgentSession, input: SimulatorInput) {
    this.session = session;
    this.#coordination = coordination;
    this.#input = input;
    session.watchAssignments(
      (assignments) => this.#follow(assignments),
      () => {},
    );
  }

  get lockCount(): number {
    return this.#locks.size;
  }

  async leave(): Promise<void> {
    this.#follow(new Map());
    await this.session.leave();
    await this.#coordination.close();
  }

  #follow(assignments: ReadonlyMap<string, Assignment>): void {
    for (const [uid, running] of this.#running) {
      if (assignments.has(uid)) continue;
      running.abort();
      this.#running.delete(uid);
    }
    for (const uid of assignments.keys()) {
      if (this.#running.has(uid)) continue;
      const stop = new AbortController();
      this.#running.set(uid, stop);
      const signal = AbortSignal.any([stop.signal, this.session.signal]);
      this.#run(uid, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async #run(uid: string, signal: AbortSignal): Promise<void> {
    const lock = await this.#acquire(uid, signal);
    this.#locks.add(uid);
    try {
      const index = Number(uid.slice(1));
      if (index % this.#input.busyOneOf === 0) await this.#pass(lock, index, signal);
      else await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      this.#locks.delete(uid);
      await lock.release();
    }
  }

  async #acquire(uid: string, signal: AbortSignal): Promise<SyncLock> {
    for (;;) {
      const lock = await this.#coordinationLock(uid);
      signal.throwIfAborted();
      if (lock) return lock;
      await systemClock.sleep(100, signal);
    }
  }

  async #coordinationLock(uid: string): Promise<SyncLock | undefined> {
    // The lock depends only on the uid: nothing else of the Sync is read for it.
    return await this.session.store.acquire({ uid, namespace: 'default', name: uid, generation: 1 } as Sync);
  }

  async #pass(lock: SyncLock, index: number, signal: AbortSignal): Promise<void> {
    const { passEveryMs } = this.#input;
    await systemClock.sleep((index * 7919) % passEveryMs, signal);
    for (let offset = 1; ; offset += 1) {
      await lock.offsets.write(String(offset));
      await systemClock.sleep(passEveryMs, signal);
    }
  }
}
