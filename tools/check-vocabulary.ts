import { basename, dirname, join, normalize } from 'node:path';
import { importsOf } from './check-imports.ts';
import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/** The page with the vocabulary: a table of files for all systems, and one of files for single systems. */
const page = 'docs/add-a-connector.md';

export interface Vocabulary {
  /** Paths relative to the folder of a connector. */
  readonly shared: ReadonlySet<string>;
  readonly special: readonly SpecialFile[];
}

interface SpecialFile {
  readonly system: string;
  readonly file: string;
  readonly why: string;
}

/** Rows of the page's section on files: rows with two cells are shared names, rows with three belong to one system. */
export function readVocabulary(text: string): Vocabulary {
  const [, section = ''] = /^## Files\n([\s\S]*?)^## /m.exec(text) ?? [];
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('|') && line.includes('`'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  return {
    shared: new Set(rows.filter((cells) => cells.length === 2).flatMap(([files = '']) => namesIn(files))),
    special: rows
      .filter((cells) => cells.length === 3)
      .flatMap(([system = '', files = '', why = '']) =>
        namesIn(files).map((file) => ({ system, file, why })),
      ),
  };
}

/** Directly in connectors/, about all systems. */
const outsideFolders = new Set(['README.md', 'catalog.ts', 'catalog.test.ts']);

/** The problems of connector folders: one idea must have the same path in all of them. */
export function checkVocabulary(files: readonly string[], { shared, special }: Vocabulary): string[] {
  const found = files.flatMap((path) => {
    const [, system, file] = /^connectors\/([^/]+)\/(.+)$/.exec(path) ?? [];
    return system === undefined || file === undefined || system === 'sql' ? [] : [{ system, file }];
  });
  const has = (system: string, file: string) =>
    found.some((each) => each.system === system && each.file === file);
  const isNamed = (system: string, file: string) =>
    shared.has(file) || special.some((each) => each.system === system && each.file === file);
  const isTestOfNamed = (system: string, file: string) =>
    file.endsWith('.test.ts') && isNamed(system, file.replace(/\.test\.ts$/, '.ts'));
  return [
    ...files
      .filter((path) => dirname(path) === 'connectors' && !outsideFolders.has(basename(path)))
      .map((path) => `${path} is in no folder of a connector`),
    ...found
      .filter(({ system, file }) => !isNamed(system, file) && !isTestOfNamed(system, file))
      .map(({ system, file }) => `connectors/${system}/${file} is not in the vocabulary of ${page}`),
    ...[...shared]
      .filter((file) => !found.some((each) => each.file === file))
      .map((file) => `${page}: no connector has ${file}`),
    ...special
      .filter(({ system, file }) => !has(system, file))
      .map(({ system, file }) => `${page}: there is no connectors/${system}/${file}`),
    ...special
      .filter(({ file }) => shared.has(file) || special.filter((each) => each.file === file).length > 1)
      .map(({ system, file }) => `${page}: ${file} of ${system} is not of one system: list it for all`),
    ...special
      .filter(({ why }) => why === '')
      .map(({ system, file }) => `${page}: no reason is given for ${file} of ${system}`),
  ];
}

/** connectors/sql has the same folders as the systems. */
const sqlFolders = new Set(['connection', 'destination', 'source', 'types']);

/** The problems of connectors/sql: a file that only one system uses must be moved to that system. */
export function checkShared(sources: ReadonlyMap<string, string>): string[] {
  const isHelp = (file: string) => /\.test\.ts$|\/test-[^/]+\.ts$/.test(file);
  const shared = [...sources.keys()].filter((file) => file.startsWith('connectors/sql/') && !isHelp(file));
  const folderOf = (file: string) => file.split('/').slice(2, -1).join('/');
  const users = new Map(shared.map((file) => [file, new Set<string>()]));
  const visit = (file: string, user: string) => {
    if (users.get(file)?.has(user)) return;
    users.get(file)?.add(user);
    for (const name of importsOf(sources.get(file) ?? '')) {
      const target = normalize(join(dirname(file), name));
      if (users.has(target)) visit(target, user);
    }
  };
  for (const file of sources.keys()) if (!isHelp(file) && !users.has(file)) visit(file, userOf(file));
  return [
    ...shared
      .filter((file) => folderOf(file) !== '' && !sqlFolders.has(folderOf(file)))
      .map((file) => `${file}: folders of connectors/sql are ${[...sqlFolders].join(', ')}`),
    ...shared
      .filter((file) => isOfOneSystem(users.get(file) ?? new Set()))
      .map(
        (file) =>
          `${file} is used by ${[...(users.get(file) ?? [])].join() || 'nobody'} alone: move it there`,
      ),
  ];
}

/** The connector, or other code, that uses it. */
function userOf(file: string): string {
  return /^connectors\/[^/]+(?=\/)/.exec(file)?.[0] ?? 'others';
}

function isOfOneSystem(users: ReadonlySet<string>): boolean {
  return users.size < 2 && !users.has('others');
}

if (import.meta.main) {
  const files = projectFiles('connectors');
  const sources = projectFiles().filter((file) => file.endsWith('.ts'));
  reportProblems([
    ...checkVocabulary(files, readVocabulary(readProjectFile(page))),
    ...checkShared(new Map(sources.map((file) => [file, readProjectFile(file)]))),
  ]);
}
