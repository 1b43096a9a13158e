import { setTimeout as pause } from 'node:timers/promises';
import type { CrashPoint } from '../../core/crash-points.ts';
import { randomFrom } from '../kit/random.ts';
import { agentPoints, chooseFault, type FaultContext } from './faults.ts';
import { ChaosFleet, type FleetProof } from './fleet.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly agents: number;
  readonly flows: number;
  readonly leaseTtlMs: number;
  readonly etcdOutageMs: number;
  readonly seed: number;
}

export interface ChaosResult extends FleetProof {
  readonly inflicted: ReadonlyMap<string, number>;
  /** Crash points of agents that no process reached. */
  readonly unreached: readonly CrashPoint[];
}

/** Injects one fault after the other for some time, then removes all faults and compares every row. Throws if one is wrong. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const fleet = await ChaosFleet.start(options);
  const random = randomFrom(options.seed);
  const inflicted = new Map<string, number>();
  try {
    const context: FaultContext = { fleet, random, ...options };
    const deadline = performance.now() + options.seconds * 1_000;
    while (performance.now() < deadline) {
      const fault = chooseFault(random);
      inflicted.set(fault.name, (inflicted.get(fault.name) ?? 0) + 1);
      await fault.inflict(context);
      await pause(random() * 500);
    }
    const proof = await fleet.settle();
    const reached = new Set(fleet.agents.flatMap(({ control }) => [...control.reached]));
    return {
      ...proof,
      inflicted,
      unreached: agentPoints.filter((point) => !reached.has(point)),
    };
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    await fleet.stop();
  }
}
