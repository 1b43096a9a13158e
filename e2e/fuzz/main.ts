import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type SystemName, systemNames } from '../kit/systems.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';
import { FuzzServers } from './environment.ts';
import { describeScenario } from './scenario/describe.ts';
import { generate } from './scenario/generate.ts';
import { runSeeds, type SeedResult, Tally } from './seeds.ts';

/**
 * Seeds from `--seed` on, for so many `--minutes` or `--count`. `--show` prints a seed's scenario, `--shrink` makes a failing one smaller.
 */
const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    count: { type: 'string' },
    systems: { type: 'string', default: systemNames.join(',') },
    parallel: { type: 'string', default: '10' },
    show: { type: 'boolean' },
    verbose: { type: 'boolean' },
    calm: { type: 'boolean' },
  },
});

async function main(): Promise<boolean> {
  const first = Number(options.seed);
  const systems = options.systems.split(',') as SystemName[];
  if (options.show) {
    console.log(JSON.stringify(generate(first, systems), null, 1));
    return true;
  }
  const untilMs =
    options.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(options.minutes) * 60_000;
  const count =
    options.count === undefined
      ? options.minutes === undefined
        ? 1
        : Number.POSITIVE_INFINITY
      : Number(options.count);
  const folder = await tempFolder('fuzz');
  const servers = new FuzzServers();
  const tally = new Tally();
  try {
    await runSeeds({
      first,
      count,
      untilMs,
      systems,
      isCalm: options.calm === true,
      parallel: Number(options.parallel),
      servers,
      folder: join(folder, 'run'),
      done: (result) => report(tally, result),
    });
  } finally {
    await servers.stop();
    await removeFolder(folder);
  }
  for (const line of tally.summary()) console.log(line);
  return tally.silent === 0;
}

function report(tally: Tally, result: SeedResult): void {
  tally.add(result);
  const silent = result.verdicts.filter(({ kind }) => kind === 'silent');
  if (options.verbose) {
    const said = result.verdicts.map(
      ({ kind, category, details }) => `${kind} (${category}) ${details[0]?.slice(0, 150) ?? ''}`,
    );
    const seconds = (result.durationMs / 1000).toFixed(1);
    console.log(
      `${result.seed} ${seconds} s ${describeScenario(result.scenario)}: ${result.error ?? said.join('; ')}`,
    );
    for (const line of result.refused) console.log(`   refused: ${line.slice(0, 200)}`);
  }
  if (silent.length === 0 && !result.error) return;
  console.log(`SILENT seed ${result.seed}, ${describeScenario(result.scenario)}: ${result.error ?? ''}`);
  for (const { category, details } of silent)
    console.log(
      `  ${category}\n${details
        .slice(0, 5)
        .map((each) => `    ${each}`)
        .join('\n')}`,
    );
  console.log(`  make fuzz ARGS='--seed ${result.seed}'`);
}

process.exitCode = (await main()) ? 0 : 1;
