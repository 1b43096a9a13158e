import { globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { projectFolder } from '../e2e/kit/processes.ts';
import { readProjectFile, reportProblems } from './project-files.ts';
import { withoutComments } from './without-comments.ts';

/** Connectors as plain data: code that reads manifests needs these, and must not load the drivers. */
const definitions = /^connectors\/([^/]+|.+\/definition)\.ts$/;

/** Which folders may import which, in addition to their own files. The first matching folder applies. */
const folders: readonly [folder: RegExp, may: readonly RegExp[]][] = [
  [/^core\//, []],
  [/^connectors\/sql\//, [/^core\//]],
  [/^connectors\/[^/]+\//, [/^core\//, /^connectors\/sql\//]],
  [/^connectors\//, [/^core\//]],
  [/^coordination\//, [/^core\//]],
  [/^process\//, [/^core\//]],
  // Neither knows a connector, but their tests use some.
  [/^agent\/(engine|lead)\/(?!.*\.test\.ts$)/, [/^core\//, /^coordination\//, /^agent\//]],
  [/^agent\//, [/^core\//, /^coordination\//, /^connectors\//, /^process\//]],
  [/^operator\//, [/^core\//, /^coordination\//, /^process\//, definitions]],
  [/^crds\//, [/^core\//, definitions]],
  // The command line, and whatever offers the same over a network.
  [/^fleet\//, [/^(core|coordination|process|operator\/(controllers|runtime))\//, definitions]],
  [/^api\//, [/^(core|coordination|process|fleet)\//, definitions]],
  // Types only: nothing of the API is part of the page.
  [/^web\//, [/^api\/contract\//]],
  [/^cli\//, [/^(core|connectors|coordination|process|agent|operator|crds|fleet|api)\//]],
  [/^(e2e|bench|examples|docs|tools)\//, [/^/]],
];

/** Which folders may import a package; packages that are not listed may be imported anywhere. */
const packages: readonly [name: RegExp, by: RegExp][] = [
  [/^etcd3$/, /^coordination\//],
  [/^pg(-|$)/, /^connectors\/postgres\//],
  [/^mysql2(\/|$)/, /^connectors\/mysql\//],
  [/^mongodb$/, /^connectors\/mongodb\//],
  [/^(@aws-sdk\/|@smithy\/|hyparquet|hysnappy)/, /^connectors\/s3\//],
  // The local store of single mode is a SQLite file.
  [/^better-sqlite3$/, /^(connectors\/sqlite|coordination)\//],
  [/^@kubernetes\//, /^(process|operator|cli)\//],
  [/^(@peculiar\/|reflect-metadata$)/, /^cli\/certificates\//],
  [/^(fastify|oauth4webapi)$/, /^api\//],
  [/^(react|react-dom|radix-ui|uplot|vite)(\/|$)|^@(tanstack|codemirror|lezer|vitejs)\//, /^web\//],
  // The core is pure logic.
  [/^node:(fs|net|tls|dgram|https?|http2|timers|process|child_process|worker_threads)(\/|$)/, /^(?!core\/)/],
];

/** Tests and their helpers start real servers and access them with their drivers. */
const isAround = (file: string) => /^(e2e|bench|examples|tools)\/|\.test\.ts$|\/test-[^/]+\.ts$/.test(file);

/** The problems of one file, given its path in the project and its text. */
export function checkImports(file: string, text: string): string[] {
  const mayImport = (name: string) =>
    name.startsWith('.')
      ? mayImportFile(file, normalize(join(dirname(file), name)))
      : mayImportPackage(file, name);
  return importsOf(text)
    .filter((name) => !mayImport(name))
    .map((name) => `${file} must not import ${name}`);
}

function mayImportFile(file: string, target: string): boolean {
  if (isAround(file) && target.startsWith('e2e/kit/')) return true;
  const [folder, may] = folders.find(([each]) => each.test(file)) ?? [];
  const own = folder?.exec(file)?.[0];
  return own !== undefined && (target.startsWith(own) || may?.some((each) => each.test(target)) === true);
}

function mayImportPackage(file: string, name: string): boolean {
  return isAround(file) || packages.every(([each, by]) => !each.test(name) || by.test(file));
}

/** Imports and re-exports, including `import()` of a literal. */
export function importsOf(text: string): string[] {
  const pattern =
    /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"`]([^'"`]+)['"`]/gm;
  return [...withoutComments(text).matchAll(pattern)].flatMap(([, early, late]) => early ?? late ?? []);
}

if (import.meta.main) {
  const pattern =
    '{core,connectors,coordination,process,agent,operator,crds,fleet,api,cli,web,e2e,bench,examples,docs,tools}/**/*.{ts,tsx}';
  const files = globSync(pattern, { cwd: projectFolder, exclude: ['web/dist/**'] });
  reportProblems(files.flatMap((file) => checkImports(file, readProjectFile(file))));
}
