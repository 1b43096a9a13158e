import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemNames } from '../kit/systems.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';
import { FuzzServers, ServerDied } from './environment.ts';
import { Tally } from './judge/tally.ts';
import { isSilent, type SeedResult } from './run/block-run.ts';
import { runSeeds } from './run/seeds.ts';
import { describeScenario } from './scenario/describe.ts';
import { generate } from './scenario/generate.ts';
import type { Scenario } from './scenario/scenario.ts';
import { shrink } from './shrink.ts';
import { type FuzzSystemName, fuzzSystemNames } from './systems/system.ts';

/** The command line of the random tester: see README.md. */
const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    count: { type: 'string' },
    systems: { type: 'string' },
    with: { type: 'string' },
    parallel: { type: 'string', default: '10' },
    scenario: { type: 'string' },
    shrink: { type: 'string' },
    calm: { type: 'boolean' },
    show: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const required = namesIn(options.with);
const systems = options.systems === undefined ? [...systemNames, ...required] : namesIn(options.systems);
const parallel = Number(options.parallel);
const untilMs =
  options.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(options.minutes) * 60_000;

function namesIn(text: string | undefined): readonly FuzzSystemName[] {
  const names = text === undefined || text === '' ? [] : text.split(',');
  return names.map((name) => {
    const known = fuzzSystemNames.find((each) => each === name);
    if (!known) throw new Error(`no system ${name}: there are ${fuzzSystemNames.join(', ')}`);
    return known;
  });
}

async function main(): Promise<boolean> {
  const given = options.scenario === undefined ? undefined : await readScenario(options.scenario);
  const design = (seed: number) => given ?? designed(seed);
  const first = given?.seed ?? Number(options.seed);
  if (options.show) {
    console.log(JSON.stringify(design(first), null, 1));
    return true;
  }
  const folder = await tempFolder('fuzz');
  const run = join(folder, 'run');
  try {
    const file = options.shrink;
    if (file) return await withServers((servers) => shrinkTo(file, design(first), servers, run));
    const tally = new Tally();
    const done = (result: SeedResult) => report(tally, result);
    const seeds = new Seeds(first);
    const runLeft = (servers: FuzzServers) =>
      runSeeds({ seeds: seeds.left(), design, untilMs, parallel, servers, folder: run, done });
    while (seeds.areLeft() && Date.now() < untilMs) await withServers(runLeft).catch(reportDeath);
    for (const line of tally.summary()) console.log(line);
    return tally.silent === 0 && tally.seeds > 0;
  } finally {
    await removeFolder(folder);
  }
}

async function withServers<T>(use: (servers: FuzzServers) => Promise<T>): Promise<T> {
  const servers = new FuzzServers();
  try {
    // One after the other: a server that this machine does not have ends the run.
    for (const system of systems) if (system !== 'sqlite') await servers.get(system);
    return await use(servers);
  } finally {
    await servers.stop();
  }
}

function reportDeath(thrown: unknown): void {
  if (!(thrown instanceof ServerDied)) throw thrown;
  console.log(
    `${thrown.message}\nThe seeds that ran then are not counted. The next ones run on new servers.`,
  );
}

async function readScenario(file: string): Promise<Scenario> {
  return JSON.parse(await readFile(file, 'utf8')) as Scenario;
}

/** `--calm`: only rows are changed, no tables. */
function designed(seed: number): Scenario {
  const scenario = generate(seed, systems, required);
  return options.calm ? { ...scenario, steps: scenario.steps.filter((step) => step.do !== 'ddl') } : scenario;
}

/** The seeds of this run, in order. */
class Seeds {
  #next: number;
  readonly #end: number;

  constructor(first: number) {
    this.#next = first;
    const count = options.count ?? (options.minutes === undefined ? 1 : Number.POSITIVE_INFINITY);
    this.#end = first + Number(count);
  }

  areLeft(): boolean {
    return this.#next < this.#end;
  }

  /** Starts with the last requested seed, which has not run. */
  *left(): Generator<number> {
    for (; this.#next < this.#end; this.#next++) yield this.#next;
  }
}

async function shrinkTo(
  file: string,
  scenario: Scenario,
  servers: FuzzServers,
  folder: string,
): Promise<boolean> {
  const progress = ({ steps, flows }: Scenario) =>
    console.log(`${steps.length} steps, ${flows.map(({ rows }) => rows.length).join(' and ')} rows`);
  const smallest = await shrink({ scenario, servers, folder, untilMs, parallel, progress });
  if (!smallest) {
    console.log(`seed ${scenario.seed} does not fail`);
    return true;
  }
  await writeFile(file, `${JSON.stringify(smallest.scenario, null, 1)}\n`);
  describeFailure(smallest);
  console.log(`  make fuzz ARGS='--scenario ${file}'`);
  return false;
}

function report(tally: Tally, result: SeedResult): void {
  tally.add(result);
  if (options.verbose) {
    const said = result.verdicts.map(
      ({ kind, category, details }) => `${kind} (${category}) ${short(details[0])}`,
    );
    const seconds = (result.durationMs / 1000).toFixed(1);
    console.log(
      `${result.scenario.seed} ${seconds} s ${describeScenario(result.scenario)}: ${said.join('; ')}`,
    );
    for (const line of result.refused) console.log(`   refused: ${short(line)}`);
  }
  if (!isSilent(result)) return;
  describeFailure(result);
  const source = options.scenario ? `--scenario ${options.scenario}` : `--seed ${result.scenario.seed}`;
  const same = [
    ...(options.calm ? ['--calm'] : []),
    ...(options.systems === undefined ? [] : [`--systems ${options.systems}`]),
    ...(options.with === undefined ? [] : [`--with ${options.with}`]),
  ];
  console.log(`  make fuzz ARGS='${[source, ...same].join(' ')}'`);
}

function describeFailure({ scenario, verdicts, error }: SeedResult): void {
  console.log(`SILENT seed ${scenario.seed}, ${describeScenario(scenario)}: ${error ?? ''}`);
  for (const { kind, category, details } of verdicts) {
    if (kind !== 'silent') continue;
    console.log(`  ${category}`);
    for (const detail of details.slice(0, 5)) console.log(`    ${detail}`);
  }
}

function short(text = ''): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

process.exitCode = (await main()) ? 0 : 1;
