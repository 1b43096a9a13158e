import { globSync } from 'node:fs';
import { codesBySubject, type ErrorEntries, normalReasons } from '../core/error-codes.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { readProjectFile, reportProblems } from './project-files.ts';

/**
 * Checks the catalog of error codes against the product's sources. That a thrown error or a finding has a code of the catalog is ensured
 * by its type. Checked here: entries that nobody uses, that are out of order or exist twice, and reasons of conditions, which are plain
 * text.
 */
export function checkCodes(
  sources: ReadonlyMap<string, string>,
  bySubject: Readonly<Record<string, ErrorEntries>> = codesBySubject,
): string[] {
  const text = [...sources.values()].join('\n');
  // `${kind}NotFound` of the command line.
  const isUsed = (code: string) =>
    text.includes(`'${code}'`) || /^(Sync|DataSource|Agent)NotFound$/.test(code);
  const entries = Object.entries(bySubject).flatMap(([subject, codes]) =>
    Object.keys(codes).map((code, at, all) => ({ subject, code, before: all[at - 1] ?? '' })),
  );
  const files = new Map<string, string>();
  const problems = entries.flatMap(({ subject, code, before }) => {
    const file = `core/error-codes/${subject}.ts`;
    const other = files.get(code);
    files.set(code, file);
    return [
      ...(isUsed(code) ? [] : [`${file}: ${code} is used nowhere`]),
      ...(code < before ? [`${file}: ${code} is not in alphabetical order`] : []),
      ...(other === undefined ? [] : [`${file}: ${code} is also in ${other}`]),
    ];
  });
  const isKnown = (reason: string) =>
    files.has(reason) || Object.hasOwn(normalReasons, reason) || conditionReasons.has(reason);
  const reasons = [...sources].flatMap(([file, each]) =>
    reasonsIn(each)
      .filter((reason) => !isKnown(reason))
      .map((reason) => `${file}: the reason ${reason} is not in core/error-codes`),
  );
  return [...problems, ...reasons];
}

/** Reasons of healthy conditions, and of events about them. */
const conditionReasons = new Set(['HasCaughtUp', 'Healthy', 'Reachable', 'Settled']);

function reasonsIn(text: string): string[] {
  return [...text.matchAll(/\breason: '([A-Z]\w+)'/g)].map(([, reason]) => reason ?? '');
}

if (import.meta.main) {
  const files = globSync('{core,connectors,coordination,process,agent,operator,crds,fleet,api,cli}/**/*.ts', {
    cwd: projectFolder,
  }).filter((file) => !/\.test\.ts$|\/test-[^/]+\.ts$|^core\/error-codes\b/.test(file));
  reportProblems(checkCodes(new Map(files.map((file) => [file, readProjectFile(file)]))));
}
