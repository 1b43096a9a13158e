import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FuzzServers, ServerDied } from './fuzz/environment.ts';
import { Tally } from './fuzz/judge/tally.ts';
import { isSilent, type SeedResult } from './fuzz/run/block-run.ts';
import { runSeeds } from './fuzz/run/seeds.ts';
import { generate } from './fuzz/scenario/generate.ts';
import type { Scenario } from './fuzz/scenario/scenario.ts';
import { projectFolder } from './kit/processes.ts';
import { tempFolder } from './kit/temp.ts';

/** Runs the random tester with a few fixed seeds, and with the failures that it has found before: see fuzz/README.md. */
const seeds = Array.from({ length: 60 }, (_, index) => index);
const found = globSync('e2e/fuzz/found/*.json', { cwd: projectFolder });

let folder: string;
let servers: FuzzServers;

before(async () => {
  folder = await tempFolder('fuzz');
  servers = new FuzzServers();
  // One after the other: if a server is missing, the tests are skipped.
  for (const system of ['postgres', 'mysql', 'mariadb'] as const) await servers.get(system);
});

after(() => servers?.stop());

test('sixty seeds: both ends agree, or status reports why not', async () => {
  const results = await run(seeds, (seed) => generate(seed));
  const tally = new Tally();
  for (const result of results) tally.add(result);
  assert.ok(tally.equal > 20, tally.summary().join('\n'));
});

test('rows that were once lost silently are no longer lost', async () => {
  const scenarios = await Promise.all(
    found.map(async (file) => JSON.parse(await readFile(join(projectFolder, file), 'utf8')) as Scenario),
  );
  // Scenarios of one block share its settings.
  scenarios.sort((one, other) => one.seed - other.seed);
  const left = [...scenarios];
  await run(
    scenarios.map(({ seed }) => seed),
    () => left.shift() as Scenario,
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
): Promise<readonly SeedResult[]> {
  const results: SeedResult[] = [];
  await runSeeds({
    seeds: of,
    design,
    untilMs: Number.POSITIVE_INFINITY,
    parallel: 16,
    servers,
    folder: join(folder, `run-${of.length}`),
    done: (result) => results.push(result),
  });
  assert.equal(results.length, of.length);
  const silent = results.filter(isSilent).map(({ scenario, verdicts, error }) => ({
    repeat: `make fuzz ARGS='--seed ${scenario.seed}'`,
    error,
    verdicts,
  }));
  assert.deepEqual(silent, []);
  return results;
}
