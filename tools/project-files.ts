import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../e2e/kit/processes.ts';

/** Files named in .gitignore, and git's own folder. */
const ignored = new Set(['.git', '.idra', '.test-servers', '.tools', 'dist', 'node_modules']);

/** Every file of the project, as a path relative to its folder. */
export function projectFiles(folder = ''): string[] {
  return readdirSync(join(projectFolder, folder), { withFileTypes: true })
    .filter(({ name }) => !ignored.has(name) && !/\.(log|tsbuildinfo)$/.test(name))
    .flatMap((entry) => filesOf(folder, entry));
}

function filesOf(folder: string, entry: Dirent): string[] {
  const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
  return entry.isDirectory() ? projectFiles(path) : [path];
}

export function readProjectFile(path: string): string {
  return readFileSync(join(projectFolder, path), 'utf8');
}

/** The end of a check: prints each problem as a line, and fails if there is any. */
export function reportProblems(problems: readonly string[]): void {
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
