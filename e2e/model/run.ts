import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Exploration, type ExploreOptions, explore, together } from './explore.ts';

/**
 * Explores the model of coordination.
 *
 *   --traces N    how many runs; 100,000 by default
 *   --seed N      the first seed: with --traces 1 --verbose it shows one run, event by event
 *   --threads N   by default as many as there are processors
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      traces: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      verbose: { type: 'boolean', default: false },
    },
  });
  const startMs = performance.now();
  const threads = Math.min(Number(values.threads), Math.ceil(Number(values.traces) / runsWorthAThread));
  const all = {
    traces: Number(values.traces),
    seed: Number(values.seed),
    isVerbose: values.verbose,
    stopsEarly: true,
  };
  const found = threads < 2 ? await explore(all) : await onThreads(threads, all);
  print(found, (performance.now() - startMs) / 1_000);
  process.exitCode = found.failed.length === 0 ? 0 : 1;
}

const runsWorthAThread = 500;

/**
 * Parts of a fixed size, several at a time; the first violation ends all. Each has its own thread, because a process that is killed in
 * the model leaves pending promises behind, which a real one would take with it.
 */
async function onThreads(threads: number, all: ExploreOptions): Promise<Exploration> {
  let next = 0;
  let isOver = false;
  const lane = async (): Promise<Exploration[]> => {
    const parts: Exploration[] = [];
    while (next < all.traces && !isOver) {
      const part = { ...all, seed: all.seed + next, traces: Math.min(runsWorthAThread, all.traces - next) };
      next += part.traces;
      const found = await onThread(part);
      parts.push(found);
      if (found.failed.length > 0) isOver = true;
    }
    return parts;
  };
  return together((await Promise.all(Array.from({ length: threads }, lane))).flat());
}

async function onThread(part: ExploreOptions): Promise<Exploration> {
  const worker = new Worker(import.meta.filename, { workerData: part });
  try {
    const [found] = (await once(worker, 'message')) as [Exploration];
    return found;
  } finally {
    await worker.terminate();
  }
}

function print(found: Exploration, seconds: number): void {
  const { failed, stories, traces, hashes, steps, claims, commits, refusals } = found;
  for (const line of stories) console.log(line);
  for (const { seed, violation } of failed) {
    console.log(`seed ${seed}: ${violation}`);
    console.log(`again: node e2e/model/run.ts --traces 1 --seed ${seed} --verbose`);
  }
  console.log(
    `${traces} runs, ${hashes.size} different, ${steps} steps, ${seconds.toFixed(1)} s; ` +
      `${claims} claims, ${commits} commits, ${refusals} refused; ${failed.length} failed`,
  );
}

if (isMainThread) await main();
else parentPort?.postMessage(await explore(workerData as ExploreOptions));
