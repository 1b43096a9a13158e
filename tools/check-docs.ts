import { basename, dirname, join, matchesGlob, normalize } from 'node:path';
import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/** Pages whose paths must exist: when a file is moved or renamed, the pages must be updated. */
export const isPage = (file: string) => file.endsWith('.md') && file !== 'CHANGELOG.md';

/** File names that a page uses for its readers' own files, or for files that Idra creates at run time. */
const namesOfReaders = new Set(['FILE.yaml', 'orders.yaml']);

/**
 * The problems of all pages: paths that are not in the project, links to missing pages or headings. `files` are all files of the project;
 * `pages` are the texts of its pages by path.
 */
export function checkDocs(files: readonly string[], pages: ReadonlyMap<string, string>): string[] {
  const tree = new Tree(files);
  return [
    ...checkReadmes(tree, pages),
    ...[...pages].flatMap(([page, text]) => [
      ...checkPaths(tree, page, text),
      ...checkLinks(tree, pages, page, text),
    ]),
  ];
}

/** Purpose, who may import it, where to start. */
const maxReadmeLines = 20;

/**
 * Each top-level folder has a README that explains it in a few lines, except docs/, whose README lists the pages, and .github, which
 * GitHub reads.
 */
function checkReadmes(tree: Tree, pages: ReadonlyMap<string, string>): string[] {
  return [...tree.topFolders]
    .filter((folder) => folder !== '.github' && folder !== 'docs')
    .map((folder) => ({ page: `${folder}/README.md`, text: pages.get(`${folder}/README.md`) }))
    .flatMap(({ page, text }) => {
      if (text === undefined) return [`there is no ${page}`];
      const isLong = text.trimEnd().split('\n').length >= maxReadmeLines;
      return isLong ? [`${page}: ${maxReadmeLines - 1} lines are the maximum`] : [];
    });
}

class Tree {
  readonly topFolders: ReadonlySet<string>;
  readonly #paths: ReadonlySet<string>;
  readonly #files: readonly string[];

  constructor(files: readonly string[]) {
    this.#files = files;
    this.#paths = new Set(files.flatMap((file) => [file, ...foldersOf(file)]));
    this.topFolders = new Set(
      files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''),
    );
  }

  /** Whether the path is a file or folder; `*` matches within a name. */
  has(path: string): boolean {
    const bare = normalize(path).replace(/\/$/, '');
    if (!bare.includes('*')) return bare === '.' || this.#paths.has(bare);
    return [...this.#paths].some((each) => matchesGlob(each, bare));
  }

  /** Whether a file with this name is anywhere in the folder. */
  hasName(name: string, folder: string): boolean {
    const below = folder === '.' ? '' : `${folder}/`;
    return this.#files.some((file) => file.startsWith(below) && matchesGlob(basename(file), name));
  }
}

function foldersOf(file: string): string[] {
  const folder = dirname(file);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}

function checkPaths(tree: Tree, page: string, text: string): string[] {
  return [...new Set(pathsIn(tree, page, text))]
    .filter((path) => !isThere(tree, page, path))
    .map((path) => `${page}: there is no ${path}`);
}

function isThere(tree: Tree, page: string, path: string): boolean {
  if (tree.has(path) || tree.has(join(dirname(page), path))) return true;
  // A file that each connector may have, by its path in the connector's folder.
  if (path.includes('/') && tree.has(`connectors/*/${path}`)) return true;
  // A README names files relative to its own folder, the pages of docs/ relative to the project.
  const folder = basename(page) === 'README.md' && page !== 'docs/README.md' ? dirname(page) : '.';
  return !path.includes('/') && tree.hasName(path, folder);
}

/** Words that start with a folder of the project, also outside of backticks, and names in backticks with a file extension. */
function pathsIn(tree: Tree, page: string, text: string): string[] {
  const inTicks = [...text.matchAll(/`([\w.*/-]+)`/g)]
    .map(([, word = '']) => word)
    .filter(
      (word) =>
        /\.(ts|md|yml|txt|json|tpl)$/.test(word) || (page.endsWith('README.md') && word.endsWith('/')),
    )
    .filter((word) => !namesOfReaders.has(word));
  return [...wordsWithFolder(tree, text), ...inTicks];
}

function wordsWithFolder(tree: Tree, text: string): string[] {
  return [...text.matchAll(/(?<![\w./:@{<-])\.?[a-z][\w-]*\/[\w.*/-]*/g)]
    .map(([word]) => word.replace(/[.:]+$/, ''))
    .filter((word) => tree.topFolders.has(word.split('/')[0] ?? ''));
}

/** Sources whose comments name other files. Tests of checks are excluded, because they use invented files. */
export const isSource = (file: string) =>
  /\.(ts|tsx|yaml|yml|tpl)$|^(Makefile|Dockerfile|bin\/idra)$/.test(file) &&
  !/\/check-[^/]+\.test\.ts$/.test(file);

/** The problems of sources: a path of a project file that does not exist. */
export function checkSources(files: readonly string[], sources: ReadonlyMap<string, string>): string[] {
  const tree = new Tree(files);
  return [...sources].flatMap(([source, text]) =>
    [...new Set(wordsWithFolder(tree, text))]
      .filter((word) => /\.(ts|md|yaml|json)$/.test(word) && !tree.has(word))
      .map((word) => `${source}: there is no ${word}`),
  );
}

function checkLinks(tree: Tree, pages: ReadonlyMap<string, string>, page: string, text: string): string[] {
  return linksIn(text).flatMap((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!tree.has(target)) return [`${page}: the link ${link} leads to nothing`];
    const aim = pages.get(target);
    const isBroken = anchor !== undefined && aim !== undefined && !anchorsOf(aim).has(anchor);
    return isBroken ? [`${page}: the link ${link} names a heading that is not in ${target}`] : [];
  });
}

/** Links to other files of the project: `[text](target)`, not in code. */
function linksIn(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub generates for headings; the second of two equal headings gets `-1`. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.+)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

if (import.meta.main) {
  const files = projectFiles();
  const textsOf = (names: readonly string[]) =>
    new Map(names.map((file) => [file, readProjectFile(file)] as const));
  reportProblems([
    ...checkDocs(files, textsOf(files.filter(isPage))),
    ...checkSources(files, textsOf(files.filter(isSource))),
  ]);
}
