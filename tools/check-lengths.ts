import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

/** A longer file contains more than one idea. */
const maxLines = 350;

/** The problems: files of `maxLines` lines or more. */
export function checkLengths(sources: ReadonlyMap<string, string>): string[] {
  return [...sources]
    .filter(([, text]) => linesOf(text) >= maxLines)
    .map(([file, text]) => `${file} has ${linesOf(text)} lines: split it, the maximum is ${maxLines - 1}`);
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

if (import.meta.main) {
  const sources = projectFiles().filter((file) => /\.(ts|tsx|css)$/.test(file));
  const texts = new Map(sources.map((file) => [file, readProjectFile(file)]));
  reportProblems(checkLengths(texts));
}
