import { join } from 'node:path';
import type { FuzzServers } from '../environment.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { blockOf } from '../scenario/settings.ts';
import { BlockRun, type SeedResult } from './block-run.ts';

export interface SeedRange {
  readonly seeds: Iterable<number>;
  readonly design: (seed: number) => Scenario;
  readonly untilMs: number;
  readonly parallel: number;
  readonly servers: FuzzServers;
  readonly folder: string;
  readonly done: (result: SeedResult) => void;
}

/** Runs seeds block by block, in order. */
export async function runSeeds(range: SeedRange): Promise<void> {
  let scenarios: Scenario[] = [];
  for (const seed of range.seeds) {
    const first = scenarios[0];
    if (first && blockOf(first.seed) !== blockOf(seed)) {
      await runBlock(range, scenarios);
      scenarios = [];
    }
    if (Date.now() > range.untilMs) return;
    scenarios.push(range.design(seed));
  }
  if (scenarios.length > 0) await runBlock(range, scenarios);
}

async function runBlock(range: SeedRange, scenarios: readonly Scenario[]): Promise<void> {
  const block = blockOf(scenarios[0]?.seed ?? 0);
  const run = await BlockRun.open(range.servers, join(range.folder, String(block)), block);
  try {
    await run.runAll(scenarios, range.parallel, range.done, range.untilMs);
  } catch (thrown) {
    // A server that has died cannot be closed either.
    await run.close().catch(() => {});
    throw thrown;
  }
  await run.close();
}
