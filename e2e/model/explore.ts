import { installCrashHook } from '../../core/crash-points.ts';
import { simulate, type TraceResult } from './simulate.ts';
import { actingWorld } from './world.ts';

export interface Exploration {
  readonly traces: number;
  /** Hashes of the events of each run, in order. */
  readonly hashes: ReadonlySet<number>;
  readonly steps: number;
  readonly commits: number;
  readonly claims: number;
  /** Commits that the destination itself refused: without any, the fence was never exercised. */
  readonly refusals: number;
  readonly failed: readonly TraceResult[];
  /** What happened, event by event, if `isVerbose` is set. */
  readonly stories: readonly string[];
}

export interface ExploreOptions {
  readonly traces: number;
  readonly seed: number;
  readonly isVerbose?: boolean;
  /** Ends at the first violation. */
  readonly stopsEarly?: boolean;
}

/** Concurrent runs: they share turns of the event loop, and nothing else. */
const atOnce = 32;

/** Runs the model with consecutive seeds starting at `seed`. */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const results = new Results();
  const restore = takeOverChance();
  let next = 0;
  const lane = async () => {
    while (next < options.traces && !(options.stopsEarly && results.failed.length > 0))
      results.add(await simulate(options.seed + next++, { isVerbose: options.isVerbose === true }));
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, options.traces) }, lane));
  } finally {
    restore();
  }
  return { ...results.sums, hashes: results.hashes, failed: results.failed, stories: results.stories };
}

export function together(parts: readonly Exploration[]): Exploration {
  const sum = (of: (part: Exploration) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    traces: sum(({ traces }) => traces),
    steps: sum(({ steps }) => steps),
    commits: sum(({ commits }) => commits),
    claims: sum(({ claims }) => claims),
    refusals: sum(({ refusals }) => refusals),
    hashes: new Set(parts.flatMap(({ hashes }) => [...hashes])),
    failed: parts.flatMap(({ failed }) => failed),
    stories: parts.flatMap(({ stories }) => stories),
  };
}

/** Random numbers and background work of the code under test belong to the run in which they happen. */
function takeOverChance(): () => void {
  const chance = Math.random;
  const stackLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  Math.random = () => actingWorld()?.random.next() ?? chance();
  installCrashHook((point) => actingWorld()?.reach(point));
  const onUnhandled = (reason: unknown) =>
    actingWorld()?.fail(`nobody handles: ${reason instanceof Error ? reason.stack : String(reason)}`);
  process.on('unhandledRejection', onUnhandled);
  return () => {
    Math.random = chance;
    Error.stackTraceLimit = stackLimit;
    installCrashHook(undefined);
    process.off('unhandledRejection', onUnhandled);
  };
}

class Results {
  readonly hashes = new Set<number>();
  readonly failed: TraceResult[] = [];
  readonly stories: string[] = [];
  sums = { traces: 0, steps: 0, commits: 0, claims: 0, refusals: 0 };

  add(result: TraceResult): void {
    const { traces, steps, commits, claims, refusals } = this.sums;
    this.hashes.add(result.hash);
    this.stories.push(...result.story);
    if (result.violation !== undefined) this.failed.push(result);
    this.sums = {
      traces: traces + 1,
      steps: steps + result.steps,
      commits: commits + result.commits,
      claims: claims + result.claims,
      refusals: refusals + result.refusals,
    };
  }
}
