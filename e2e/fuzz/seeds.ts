import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SystemName } from '../kit/systems.ts';
import { removeFolder } from '../kit/temp.ts';
import { Engine } from './engine/engine.ts';
import { Block, type FuzzServers } from './environment.ts';
import type { Verdict } from './judge/verdict.ts';
import { runScenario } from './run/scenario-run.ts';
import { generate } from './scenario/generate.ts';
import type { Scenario } from './scenario/scenario.ts';
import { blockOf } from './scenario/settings.ts';

export interface SeedResult {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly verdicts: readonly Verdict[];
  readonly statements: number;
  readonly refused: readonly string[];
  readonly durationMs: number;
  /** The tester itself failed. */
  readonly error?: string;
}

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  readonly untilMs: number;
  readonly systems: readonly SystemName[];
  /** Without changes of tables: only rows change. */
  readonly isCalm: boolean;
  readonly parallel: number;
  readonly servers: FuzzServers;
  readonly folder: string;
  readonly done: (result: SeedResult) => void;
}

/** Runs seeds block by block: those of one block share servers' settings, databases and the engine, and run side by side. */
export async function runSeeds(range: SeedRange): Promise<void> {
  let seed = range.first;
  const end = range.first + range.count;
  while (seed < end && Date.now() < range.untilMs) {
    const block = blockOf(seed);
    const seeds: number[] = [];
    while (seed < end && blockOf(seed) === block) seeds.push(seed++);
    await runBlock(range, block, seeds);
  }
}

async function runBlock(range: SeedRange, block: number, seeds: readonly number[]): Promise<void> {
  const folder = join(range.folder, String(block));
  await mkdir(folder, { recursive: true });
  const environment = new Block(range.servers, folder, block);
  const engine = new Engine(join(folder, 'state.db'));
  try {
    await engine.start();
    const left = [...seeds];
    const work = async () => {
      for (let seed = left.shift(); seed !== undefined && Date.now() < range.untilMs; seed = left.shift())
        range.done(await runSeed(designed(seed, range), environment, engine, folder));
    };
    await Promise.all(Array.from({ length: range.parallel }, work));
  } finally {
    await engine.stop();
    await environment.close();
    await removeFolder(folder);
  }
}

function designed(seed: number, { systems, isCalm }: SeedRange): Scenario {
  const scenario = generate(seed, systems);
  return isCalm ? { ...scenario, steps: scenario.steps.filter((step) => step.do !== 'ddl') } : scenario;
}

async function runSeed(
  scenario: Scenario,
  environment: Block,
  shared: Engine,
  folder: string,
): Promise<SeedResult> {
  const { seed } = scenario;
  const startMs = Date.now();
  const own = scenario.isAlone ? new Engine(join(folder, `state-${seed}.db`)) : undefined;
  const base = { seed, scenario };
  try {
    await own?.start();
    const result = await runScenario(scenario, environment, own ?? shared);
    return { ...base, ...result, durationMs: Date.now() - startMs };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      ...base,
      verdicts: [],
      statements: 0,
      refused: [],
      durationMs: Date.now() - startMs,
      error: text,
    };
  } finally {
    await own?.stop();
  }
}

/** Counts by the worst verdict of a seed's Syncs, and by category. */
export class Tally {
  seeds = 0;
  equal = 0;
  reported = 0;
  silent = 0;
  statements = 0;
  readonly #categories = new Map<string, number[]>();

  add({ seed, verdicts, statements, error }: SeedResult): void {
    this.seeds += 1;
    this.statements += statements;
    const kinds = verdicts.map(({ kind }) => kind);
    if (error !== undefined || kinds.includes('silent')) this.silent += 1;
    else if (kinds.includes('reported')) this.reported += 1;
    else this.equal += 1;
    const names =
      error === undefined ? verdicts.map(({ kind, category }) => `${kind}: ${category}`) : ['tester failed'];
    for (const name of new Set(names))
      this.#categories.set(name, [...(this.#categories.get(name) ?? []), seed]);
  }

  summary(): readonly string[] {
    const rows = [...this.#categories].sort(([, one], [, other]) => other.length - one.length);
    return [
      ...rows.map(
        ([name, seeds]) => `${String(seeds.length).padStart(5)}  ${name}  (${seeds.slice(0, 6).join(' ')})`,
      ),
      `${this.statements} statements`,
      `${this.seeds} seeds, ${this.equal} equal, ${this.reported} reported, ${this.silent} silent`,
    ];
  }
}
