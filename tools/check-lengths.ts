import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/** A longer file contains more than one idea. */
const maxLines = 350;

/** Files that are still too long. The list may only shrink: a file that is short enough must be removed from it. */
export const permittedLong: readonly string[] = ['connectors/postgres/session.ts'];

/** Flat lists of entries, which cannot be split by idea. */
const isCatalogue = (file: string) => file === 'core/error-codes.ts';

/** The problems: files of `maxLines` lines or more. */
export function checkLengths(sources: ReadonlyMap<string, string>, permitted: readonly string[]): string[] {
  const long = [...sources].filter(([file, text]) => !isCatalogue(file) && linesOf(text) >= maxLines);
  const longFiles = new Set(long.map(([file]) => file));
  return [
    ...long
      .filter(([file]) => !permitted.includes(file))
      .map(([file, text]) => `${file} has ${linesOf(text)} lines: split it, the maximum is ${maxLines - 1}`),
    ...permitted
      .filter((file) => !longFiles.has(file))
      .map((file) => `${file} is not too long: remove it from permittedLong`),
  ];
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

if (import.meta.main) {
  const sources = projectFiles().filter((file) => file.endsWith('.ts'));
  const texts = new Map(sources.map((file) => [file, readProjectFile(file)]));
  reportProblems(checkLengths(texts, permittedLong));
}
