import { setTimeout as pause } from 'node:timers/promises';
import type { CrashPoint } from '../../core/crash-points.ts';
import { randomFrom } from '../kit/random.ts';
import type { ChaosAgent } from './agents.ts';
import { ChaosFleet, type FleetProof } from './fleet.ts';

export interface PausedOptions {
  readonly stops: number;
  readonly leaseTtlMs: number;
  readonly seed: number;
}

export interface PausedResult extends FleetProof {
  /** Stops that fell between the writing of rows and their COMMIT. */
  readonly beforeCommit: number;
}

const points: readonly CrashPoint[] = ['commit:before', 'write:before'];

/**
 * Agents are stopped (SIGSTOP) for half to three lease times: half of them at any moment, half after rows were written and before COMMIT
 * was sent. Each resumes with that batch pending. Throws if a row is lost or doubled, or a lower token has committed.
 */
export async function runPausedWriters(options: PausedOptions): Promise<PausedResult> {
  const fleet = await ChaosFleet.start({ agents: 5, flows: 10, leaseTtlMs: options.leaseTtlMs });
  const random = randomFrom(options.seed);
  const free = [...fleet.agents];
  let left = options.stops;
  // Two agents are running at any time, so that one can take over.
  const stopOneAfterOther = async () => {
    while (left > 0) {
      left--;
      const [agent] = free.splice(Math.floor(random() * free.length), 1);
      if (!agent) throw new Error('fewer agents than stops at a time');
      await stopOnce(agent, left % 2 === 0 ? points[left % 4 === 0 ? 0 : 1] : undefined, {
        ms: options.leaseTtlMs * (0.5 + 2.5 * random()),
      });
      free.push(agent);
    }
  };
  try {
    await Promise.all([stopOneAfterOther(), stopOneAfterOther(), stopOneAfterOther()]);
    const proof = await fleet.settle();
    const events = fleet.agents.flatMap(({ control }) => control.events);
    return { ...proof, beforeCommit: events.filter(({ did }) => did === 'stop').length };
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    await fleet.stop();
  }
}

async function stopOnce(
  agent: ChaosAgent,
  point: CrashPoint | undefined,
  { ms }: { readonly ms: number },
): Promise<void> {
  if (point === undefined) agent.signal('SIGSTOP');
  else {
    const before = agent.control.events.length;
    agent.control.order({ at: point, action: 'stop' });
    // An agent without a busy sync reaches no such point; it is then stopped at any moment.
    const deadline = performance.now() + 3_000;
    while (agent.control.events.length === before && performance.now() < deadline) await pause(20);
    if (agent.control.events.length === before) agent.signal('SIGSTOP');
  }
  await pause(ms);
  agent.signal('SIGCONT');
  // Time to notice what it has missed.
  await pause(200);
}
