import type { FuzzServers } from './environment.ts';
import { BlockRun, isSilent, type SeedResult } from './run/block-run.ts';
import type { Flow, Scenario } from './scenario/scenario.ts';
import { blockOf } from './scenario/settings.ts';

export interface ShrinkInput {
  readonly scenario: Scenario;
  readonly servers: FuzzServers;
  readonly folder: string;
  readonly untilMs: number;
  readonly parallel: number;
  readonly progress: (scenario: Scenario) => void;
}

/** Removes steps and rows while the scenario still fails; undefined if it did not fail at all. */
export async function shrink(input: ShrinkInput): Promise<SeedResult | undefined> {
  const run = await BlockRun.open(input.servers, input.folder, blockOf(input.scenario.seed));
  try {
    let best = await firstFailing(run, input, [input.scenario, input.scenario]);
    if (!best) return undefined;
    for (let parts = 2; Date.now() < input.untilMs; ) {
      const smaller = await firstFailing(run, input, candidates(best.scenario, parts));
      if (smaller) {
        best = smaller;
        input.progress(best.scenario);
      } else if (parts >= largest(best.scenario)) break;
      else parts *= 2;
    }
    return best;
  } finally {
    await run.close();
  }
}

function largest({ steps, flows }: Scenario): number {
  return Math.max(steps.length, ...flows.map(({ rows }) => rows.length));
}

/** The scenario without one of `parts` parts of the steps, or of a table's first rows. */
function candidates(scenario: Scenario, parts: number): readonly Scenario[] {
  const { steps, flows } = scenario;
  const work = steps.slice(0, -1);
  const last = steps.slice(-1);
  return [
    ...without(work, parts).map((some) => ({ ...scenario, steps: [...some, ...last] })),
    ...flows.flatMap((flow, at) =>
      without(flow.rows, parts).map((rows) => ({
        ...scenario,
        flows: replaced(flows, at, { ...flow, rows }),
      })),
    ),
    ...(scenario.path.source === 'direct' && scenario.path.destination === 'direct'
      ? []
      : [{ ...scenario, path: { source: 'direct' as const, destination: 'direct' as const } }]),
  ];
}

function replaced(flows: readonly Flow[], at: number, flow: Flow): readonly Flow[] {
  return flows.map((each, index) => (index === at ? flow : each));
}

function without<T>(items: readonly T[], parts: number): readonly (readonly T[])[] {
  if (items.length === 0) return [];
  const size = Math.max(1, Math.ceil(items.length / parts));
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.filter((_item, index) => Math.floor(index / size) !== part),
  );
}

async function firstFailing(
  run: BlockRun,
  { parallel, untilMs }: ShrinkInput,
  scenarios: readonly Scenario[],
): Promise<SeedResult | undefined> {
  for (let at = 0; at < scenarios.length && Date.now() < untilMs; at += parallel) {
    const failing: SeedResult[] = [];
    await run.runAll(scenarios.slice(at, at + parallel), parallel, (result) => {
      if (isSilent(result)) failing.push(result);
    });
    if (failing[0]) return failing[0];
  }
  return undefined;
}
