import { glob, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { projectFolder } from './processes.ts';
import { mariadb, mysql, postgres, ServerMissing } from './servers.ts';
import { missingVariable } from './servers/find.ts';
import { printReport } from './test-report.ts';
import { TestTally } from './test-tally.ts';

/**
 * Runs the tests of the project, each file in a process of its own, and ends with `N passed, N failed, N skipped`.
 *
 *   --only PATTERN   files whose path contains PATTERN; each starts the servers that it needs by itself
 *   --unit           files that use no server
 */
const modules = ['core', 'connectors', 'coordination', 'agent', 'operator', 'cli', 'crds', 'e2e/kit'];
const fileTimeoutMs = 10 * 60_000;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, unit: { type: 'boolean', default: false } } });
  const chosen = async (pattern: string) => {
    const files = (await Array.fromAsync(glob(pattern, { cwd: projectFolder }))).sort();
    const named = files.filter((file) => file.includes(values.only ?? ''));
    return values.unit ? await withoutServers(named) : named;
  };
  const parallel = await chosen(`{${modules.join(',')}}/**/*.test.ts`);
  const serial = await chosen('e2e/*.test.ts');

  const tally = new TestTally(await permittedSkips());
  const servers = values.only === undefined && !values.unit ? await startSharedServers() : [];
  try {
    await runFiles(parallel, 2, tally);
    await runFiles(serial, 1, tally);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  printReport(tally);
  return tally.failures.length === 0 && tally.passed > 0;
}

async function runFiles(files: readonly string[], concurrency: number, tally: TestTally): Promise<void> {
  if (files.length === 0) return;
  const paths = files.map((file) => join(projectFolder, file));
  for await (const event of run({ files: paths, concurrency, isolation: 'process', timeout: fileTimeoutMs })) {
    tally.add(event, (path) => relative(projectFolder, path));
  }
}

/** Started once for all files, and handed over to them by the environment. */
async function startSharedServers(): Promise<{ stop(): Promise<void> }[]> {
  const kinds = { postgres, mariadb, mysql };
  const started = Object.entries(kinds).map(async ([name, start]) => {
    try {
      const server = await start();
      process.env[`IDRA_TEST_${name.toUpperCase()}_URL`] = server.adminUrl;
      return [server];
    } catch (error) {
      if (!(error instanceof ServerMissing)) throw error;
      process.env[missingVariable(name)] = error.message.replace(/^[^;]*looked for /, '');
      return [];
    }
  });
  return (await Promise.all(started)).flat();
}

async function withoutServers(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(join(projectFolder, file), 'utf8')));
  return files.filter((file, index) => !/\bservers?\.ts'|\bservers\//.test(texts[index] ?? '') && !/^e2e\/[^/]*$/.test(file));
}

async function permittedSkips(): Promise<Set<string>> {
  const text = await readFile(join(projectFolder, 'e2e/permitted-skips.txt'), 'utf8');
  return new Set(text.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== ''));
}

process.exitCode = (await main()) ? 0 : 1;
