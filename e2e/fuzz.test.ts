import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FuzzServers, ServerDied } from './fuzz/environment.ts';
import { Tally } from './fuzz/judge/tally.ts';
import { isSilent, type SeedResult } from './fuzz/run/block-run.ts';
import { runSeeds } from './fuzz/run/seeds.ts';
import { generate } from './fuzz/scenario/generate.ts';
import type { Scenario } from './fuzz/scenario/scenario.ts';
import type { FuzzSystemName } from './fuzz/systems/system.ts';
import { projectFolder } from './kit/processes.ts';
import { systemNames } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** Runs the random tester with a few fixed seeds, and with the failures that it has found before: see fuzz/README.md. */
const found = globSync('e2e/fuzz/found/*.json', { cwd: projectFolder });

let folder: string;
let servers: FuzzServers;

before(async () => {
  folder = await tempFolder('fuzz');
  servers = new FuzzServers();
});

after(() => servers?.stop());

interface FixedSeeds {
  readonly title: string;
  readonly servers: readonly Exclude<FuzzSystemName, 'sqlite'>[];
  readonly systems: readonly FuzzSystemName[];
  readonly required: readonly FuzzSystemName[];
  readonly first: number;
  readonly count: number;
}

/** Consecutive seeds are all pairs of the systems: sixteen, nine and eight. */
const fixed: readonly FixedSeeds[] = [
  {
    title: 'SQL systems',
    servers: ['postgres', 'mysql', 'mariadb'],
    systems: systemNames,
    required: [],
    first: 0,
    count: 42,
  },
  {
    title: 'MongoDB with change streams',
    servers: ['postgres', 'mysql', 'mariadb', 'mongodb-memory'],
    systems: [...systemNames, 'mongodb-memory'],
    required: ['mongodb-memory'],
    first: 64,
    count: 18,
  },
  {
    title: 'SQL Server, and MongoDB with transactions',
    servers: ['sqlserver', 'mongodb'],
    systems: ['sqlite', 'sqlserver', 'mongodb'],
    required: ['sqlserver', 'mongodb'],
    first: 96,
    count: 8,
  },
];

for (const { title, systems, required, first, count, servers: names } of fixed) {
  describe(title, () => {
    // One after the other: if a server is missing, the tests are skipped.
    before(async () => {
      for (const system of names) await servers.get(system);
    });

    test(`${count} seeds: both ends agree, or status reports why not`, async () => {
      const options = `--systems ${systems.join()}${required.length > 0 ? ` --with ${required.join()}` : ''}`;
      const seeds = Array.from({ length: count }, (_, index) => first + index);
      const results = await run(seeds, (seed) => generate(seed, systems, required), options);
      const tally = new Tally();
      for (const result of results) tally.add(result);
      const summary = tally.summary().join('\n');
      // A tester whose statements are refused, or whose Syncs do not run, finds nothing.
      assert.ok(tally.equal > count / 4, summary);
      assert.ok(tally.moved > count / 3, summary);
      assert.ok(tally.worthless.length <= count / 9, summary);
    });
  });
}

test('rows that were once lost silently are no longer lost', async () => {
  for (const system of ['postgres', 'mysql', 'mariadb'] as const) await servers.get(system);
  const scenarios = await Promise.all(
    found.map(async (file) => JSON.parse(await readFile(join(projectFolder, file), 'utf8')) as Scenario),
  );
  // Scenarios of one block share its settings.
  scenarios.sort((one, other) => one.seed - other.seed);
  const left = [...scenarios];
  await run(
    scenarios.map(({ seed }) => seed),
    () => left.shift() as Scenario,
    '',
  );
});

test('a server that dies ends the run with its last log lines, and no seed is counted for it', async () => {
  const own = new FuzzServers();
  const results: SeedResult[] = [];
  try {
    const { process: server } = await own.get('postgres');
    const died = runSeeds({
      seeds: [3, 4],
      design(seed) {
        // Not through the test's own handle, which would record the kill.
        process.kill(server?.pid ?? 0, 'SIGKILL');
        return generate(seed, ['postgres']);
      },
      untilMs: Number.POSITIVE_INFINITY,
      parallel: 2,
      servers: own,
      folder: join(folder, 'died'),
      done: (result) => results.push(result),
    });
    await assert.rejects(died, (thrown) => {
      assert.ok(thrown instanceof ServerDied, String(thrown));
      assert.match(thrown.message, /the postgres of the tester has ended: .*signal SIGKILL.*\n {2}\| /s);
      return true;
    });
    assert.deepEqual(results, []);
  } finally {
    await own.stop();
  }
});

async function run(
  of: readonly number[],
  design: (seed: number) => Scenario,
  options: string,
): Promise<readonly SeedResult[]> {
  const results: SeedResult[] = [];
  await runSeeds({
    seeds: of,
    design,
    untilMs: Number.POSITIVE_INFINITY,
    parallel: 16,
    servers,
    folder: join(folder, `run-${of[0]}-${of.length}`),
    done: (result) => results.push(result),
  });
  assert.equal(results.length, of.length);
  const silent = results.filter(isSilent).map(({ scenario, verdicts, error }) => ({
    repeat: `make fuzz ARGS='--seed ${scenario.seed} ${options}'`,
    error,
    verdicts,
  }));
  assert.deepEqual(silent, []);
  return results;
}
