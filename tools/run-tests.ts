import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { projectFolder } from '../e2e/kit/processes.ts';
import { missingVariable } from '../e2e/kit/servers/find.ts';
import { mariadb, mysql, postgres, ServerMissing } from '../e2e/kit/servers.ts';
import { TestTally } from './test-tally.ts';

/**
 * Runs the tests of the project, each file in its own process, and ends with `N passed, N failed, N skipped`.
 *
 *   --only PATTERN   only files whose path contains PATTERN; each starts the servers that it needs
 *   --unit           no end-to-end tests, and no server: the tests that need one are skipped
 *   --folder FOLDER  only the test files of this folder, one after the other
 */
const modules =
  '{core,connectors,coordination,process,agent,operator,fleet,cli,crds,docs,tools,e2e/kit,e2e/pairs}/**/*.test.ts';
const scenarios = 'e2e/*.test.ts';
const shared = { postgres, mariadb, mysql };
const servers = [...Object.keys(shared), 'etcd', 'kubernetes'];
const fileTimeoutMs = 20 * 60_000;
/** For a long loop. */
const loopTimeoutMs = 60 * 60_000;

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, unit: { type: 'boolean' }, folder: { type: 'string' } },
});

async function main(): Promise<boolean> {
  const permitted = options.unit ? new Set(servers) : readPermittedSkips();
  const tally = new TestTally((server) => permitted.has(server));
  if (options.unit) hideServers();
  const isWhole = Object.keys(options).length === 0;
  const running = isWhole ? await startSharedServers() : [];
  try {
    if (options.folder === undefined) await runFiles(modules, 2, tally);
    if (!options.unit)
      await runFiles(options.folder ? `${options.folder}/**/*.test.ts` : scenarios, 1, tally);
  } finally {
    await Promise.all(running.map((server) => server.stop()));
  }
  tally.finish();
  printReport(tally);
  return tally.failures.length === 0 && tally.passed > 0;
}

async function runFiles(pattern: string, concurrency: number, tally: TestTally): Promise<void> {
  const chosen = globSync(pattern, { cwd: projectFolder }).filter((file) =>
    file.includes(options.only ?? ''),
  );
  if (chosen.length === 0) return;
  const files = chosen.sort().map((file) => join(projectFolder, file));
  const timeout = options.folder ? loopTimeoutMs : fileTimeoutMs;
  // Connections left open by a failed test would keep its file, and the whole run, from ending.
  const execArgv = ['--test-force-exit'];
  for await (const event of run({ files, concurrency, isolation: 'process', timeout, execArgv })) {
    // Long loops print figures.
    if (options.folder && event.type === 'test:stdout') process.stdout.write(event.data.message);
    const failed = tally.failures.length;
    const done = tally.add(event, (path) => relative(projectFolder, path));
    // The complete report is printed at the end, which an aborted run does not reach.
    for (const { file, test } of tally.failures.slice(failed)) console.log(`  FAILED  ${file}: ${test}`);
    if (done !== undefined) console.log(`${seconds(tally.durationsMs.get(done) ?? 0)}  ${done}`);
  }
}

/** Started once for all files, which find them through the environment. */
async function startSharedServers(): Promise<{ stop(): Promise<void> }[]> {
  const started = Object.entries(shared).map(async ([name, start]) => {
    try {
      const server = await start({ own: true });
      process.env[addressVariable(name)] = server.adminUrl;
      return [server];
    } catch (error) {
      if (!(error instanceof ServerMissing)) throw error;
      process.env[missingVariable(name)] = error.lookedFor;
      return [];
    }
  });
  return (await Promise.all(started)).flat();
}

function hideServers(): void {
  for (const server of servers) {
    delete process.env[addressVariable(server)];
    process.env[missingVariable(server)] = 'nothing: only tests without servers are run';
  }
}

function addressVariable(server: string): string {
  return `IDRA_TEST_${server.toUpperCase()}_${server === 'etcd' ? 'ENDPOINTS' : 'URL'}`;
}

function readPermittedSkips(): Set<string> {
  const lines = readFileSync(join(projectFolder, 'e2e/permitted-skips.txt'), 'utf8').split('\n');
  return new Set(lines.map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== ''));
}

function printReport(tally: TestTally): void {
  const slowest = [...tally.durationsMs].sort(([, a], [, b]) => b - a).slice(0, 5);
  console.log(`\nSlowest: ${slowest.map(([file, ms]) => `${file} ${seconds(ms).trim()}`).join(', ')}`);
  for (const reason of new Set(tally.skips.map((skip) => skip.reason))) {
    const count = tally.skips.filter((skip) => skip.reason === reason).length;
    console.log(`Skipped ${count}: ${reason}`);
  }
  for (const { file, test, error } of tally.failures) {
    console.log(`\nFAILED ${file}\n       ${test}\n${error.replace(/^/gm, '  ')}`);
  }
  console.log(`\n${tally.passed} passed, ${tally.failures.length} failed, ${tally.skips.length} skipped`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`.padStart(8);
}

// A process left behind by a failed test may still hold the output of its file.
process.exit((await main()) ? 0 : 1);
