import { globSync } from 'node:fs';
import { errorCodes, normalReasons } from '../core/error-codes.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { readProjectFile, reportProblems } from './project-files.ts';

/**
 * Checks the catalog of error codes against the product's sources. That a thrown error or a finding has a code of the catalog is ensured
 * by its type. Checked here: entries that nobody uses, entries out of order, and reasons of conditions, which are plain text.
 */
export function checkCodes(sources: ReadonlyMap<string, string>): string[] {
  const codes = Object.keys(errorCodes);
  const known = new Set([...codes, ...Object.keys(normalReasons)]);
  const text = [...sources.values()].join('\n');
  // `${kind}NotFound` of the command line.
  const isUsed = (code: string) =>
    text.includes(`'${code}'`) || /^(Sync|DataSource|Agent)NotFound$/.test(code);
  const unused = codes
    .filter((code) => !isUsed(code))
    .map((code) => `core/error-codes.ts: ${code} is used nowhere`);
  const unsorted = codes
    .filter((code, at) => at > 0 && code < (codes[at - 1] ?? ''))
    .map((code) => `core/error-codes.ts: ${code} is not in alphabetical order`);
  const reasons = [...sources].flatMap(([file, each]) =>
    reasonsIn(each)
      .filter((reason) => !known.has(reason) && !conditionReasons.has(reason))
      .map((reason) => `${file}: the reason ${reason} is not in core/error-codes.ts`),
  );
  return [...unused, ...unsorted, ...reasons];
}

/** Reasons of healthy conditions, and of events about them. */
const conditionReasons = new Set(['HasCaughtUp', 'Healthy', 'Reachable', 'Settled']);

function reasonsIn(text: string): string[] {
  return [...text.matchAll(/\breason: '([A-Z]\w+)'/g)].map(([, reason]) => reason ?? '');
}

if (import.meta.main) {
  const files = globSync('{core,connectors,coordination,process,agent,operator,crds,fleet,cli}/**/*.ts', {
    cwd: projectFolder,
  }).filter((file) => !/\.test\.ts$|\/test-[^/]+\.ts$|core\/error-codes\.ts$/.test(file));
  reportProblems(checkCodes(new Map(files.map((file) => [file, readProjectFile(file)]))));
}
