import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { allSettled } from '../../../core/all-settled.ts';
import { removeFolder } from '../../kit/temp.ts';
import { Engine } from '../engine/engine.ts';
import { Block, type FuzzServers } from '../environment.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { runScenario } from './scenario-run.ts';
import type { StatementCount } from './writers.ts';

export interface SeedResult {
  readonly scenario: Scenario;
  readonly verdicts: readonly Verdict[];
  readonly statements: ReadonlyMap<string, StatementCount>;
  readonly written: number;
  readonly refused: readonly string[];
  readonly durationMs: number;
  /** The tester itself failed. */
  readonly error?: string;
}

/** Scenarios of one block share servers' settings, databases and an engine, and may run concurrently. */
export class BlockRun {
  readonly #folder: string;
  readonly #environment: Block;
  readonly #servers: FuzzServers;
  readonly #shared: Engine;
  #engines = 0;

  private constructor(folder: string, servers: FuzzServers, block: number) {
    this.#folder = folder;
    this.#servers = servers;
    this.#environment = new Block(servers, folder, block);
    this.#shared = new Engine(join(folder, 'state.db'));
  }

  static async open(servers: FuzzServers, folder: string, block: number): Promise<BlockRun> {
    await mkdir(folder, { recursive: true });
    const run = new BlockRun(folder, servers, block);
    await run.#shared.start();
    return run;
  }

  async run(scenario: Scenario): Promise<SeedResult> {
    const startMs = Date.now();
    const own = scenario.isAlone ? new Engine(join(this.#folder, `state-${++this.#engines}.db`)) : undefined;
    const base = { scenario, verdicts: [], statements: new Map(), written: 0, refused: [] };
    try {
      await own?.start();
      const result = await runScenario(scenario, this.#environment, own ?? this.#shared);
      return { ...base, ...result, durationMs: Date.now() - startMs };
    } catch (thrown) {
      const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      return { ...base, durationMs: Date.now() - startMs, error };
    } finally {
      await own?.stop();
    }
  }

  /**
   * Calls `run` for each, with limited concurrency; each result is passed on as it arrives. Throws ServerDied if a server has died; then
   * results of what is still running are dropped.
   */
  async runAll(
    scenarios: readonly Scenario[],
    parallel: number,
    done: (result: SeedResult) => void,
    untilMs = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const left = [...scenarios];
    const work = async () => {
      for (let next = left.shift(); next && Date.now() < untilMs; next = left.shift()) {
        const result = await this.run(next);
        const alive = result.error ? this.#servers.requireAnswers() : this.#servers.requireAlive();
        await alive.catch((died: unknown) => {
          left.length = 0;
          throw died;
        });
        done(result);
      }
    };
    await allSettled(Array.from({ length: parallel }, work));
  }

  async close(): Promise<void> {
    await this.#shared.stop();
    await this.#environment.close();
    await removeFolder(this.#folder);
  }
}

export function isSilent({ verdicts, error }: SeedResult): boolean {
  return error !== undefined || verdicts.some(({ kind }) => kind === 'silent');
}
