import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { projectFolder } from '../e2e/kit/processes.ts';
import { missingVariable } from '../e2e/kit/servers/find.ts';
import { mariadb, mysql, postgres, ServerMissing, sqlserver } from '../e2e/kit/servers.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { TestTally } from './test-tally.ts';

/**
 * Runs the tests of the project, each file in its own process, and ends with `N passed, N failed, N skipped`.
 *
 *   --only PATTERN   only files whose path contains PATTERN; each starts the servers that it needs
 *   --unit           no end-to-end tests, and no server: the tests that need one are skipped
 *   --folder FOLDER  only the test files of this folder, one after the other
 */
const modules =
  '{core,connectors,coordination,process,agent,operator,fleet,api,cli,crds,docs,tools,e2e/kit,e2e/pairs}/**/*.test.ts';
const scenarios = 'e2e/*.test.ts';
const shared = { postgres, mariadb, mysql, sqlserver };
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
  const lanes = await Promise.all(
    Array.from({ length: options.folder === undefined ? 2 : 1 }, () => startLane(isWhole)),
  );
  const files = chooseFiles();
  try {
    await Promise.all(
      lanes.map(async ({ execArgv }) => {
        for (let file = files.shift(); file !== undefined; file = files.shift())
          await runFile(file, execArgv, tally);
      }),
    );
  } finally {
    await Promise.all(lanes.map((lane) => lane.stop()));
  }
  tally.finish();
  printReport(tally);
  return tally.failures.length === 0 && tally.passed > 0;
}

function chooseFiles(): string[] {
  const patterns = options.folder
    ? [`${options.folder}/**/*.test.ts`]
    : [modules, ...(options.unit ? [] : [scenarios])];
  return patterns
    .flatMap((pattern) => globSync(pattern, { cwd: projectFolder }).sort())
    .filter((file) => file.includes(options.only ?? ''))
    .map((file) => join(projectFolder, file));
}

async function runFile(path: string, execArgv: readonly string[], tally: TestTally): Promise<void> {
  const timeout = options.folder ? loopTimeoutMs : fileTimeoutMs;
  const shown = relative(projectFolder, path);
  let isDone = false;
  for await (const event of run({ files: [path], isolation: 'process', timeout, execArgv: [...execArgv] })) {
    // Long loops print figures.
    if (options.folder && event.type === 'test:stdout') process.stdout.write(event.data.message);
    const failed = tally.failures.length;
    const completes = tally.add(event, path, shown);
    // The complete report is printed at the end, which an aborted run does not reach.
    for (const { file, test, error } of tally.failures.slice(failed))
      console.log(`  FAILED  ${file}: ${test}: ${error.trim().split('\n')[0]}`);
    if (!completes) continue;
    isDone = true;
    console.log(`${seconds(tally.durationsMs.get(shown) ?? 0)}  ${shown}`);
  }
  if (!isDone) tally.addUnfinished(shown);
}

/** Runs one file after the other. */
interface Lane {
  readonly execArgv: readonly string[];
  stop(): Promise<void>;
}

/**
 * Files that run at the same time have different servers, because an open transaction on a MySQL server holds back all who read there, and
 * some tests count a server's connections.
 */
async function startLane(hasServers: boolean): Promise<Lane> {
  // Connections left open by a failed test would keep its file, and the whole run, from ending.
  const execArgv = ['--test-force-exit', `--import=${projectFolder}/tools/blocking-output.ts`];
  if (!hasServers) return { execArgv, stop: async () => {} };
  const started = await Promise.all(Object.entries(shared).map(([name, start]) => startServer(name, start)));
  const folder = await tempFolder('lane');
  const file = join(folder, 'servers.env');
  await writeFile(file, started.map(({ variable }) => `${variable}\n`).join(''));
  return {
    execArgv: [...execArgv, `--env-file=${file}`],
    stop: async () => {
      await Promise.all(started.map((each) => each.stop()));
      await removeFolder(folder);
    },
  };
}

/** `variable`: where the tests find it, or that it is missing. */
async function startServer(name: string, start: (typeof shared)[keyof typeof shared]) {
  try {
    const server = await start({ own: true });
    return { variable: `${addressVariable(name)}="${server.adminUrl}"`, stop: () => server.stop() };
  } catch (error) {
    if (!(error instanceof ServerMissing)) throw error;
    return { variable: `${missingVariable(name)}="${error.searched}"`, stop: async () => {} };
  }
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
