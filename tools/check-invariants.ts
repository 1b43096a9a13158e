import { guards } from '../e2e/guards/guards.ts';
import { projectFiles, readProjectFile, reportProblems } from './project-files.ts';

export const invariantsPage = 'docs/invariants.md';

/**
 * The problems of the page of invariants: each invariant is a heading `## N. ...`, counted from 1, with a list of what enforces it (`-
 * Enforced:`), of tests that prove it (`- Tests:`) and optionally of guards (`- Guards:`), all in backticks.
 */
export function checkInvariants(
  page: string,
  files: ReadonlySet<string>,
  guardNames: ReadonlySet<string>,
): string[] {
  const sections = page.split(/^## /m).slice(1);
  const problems = sections.flatMap((section, index) =>
    checkInvariant(section, index + 1, files, guardNames),
  );
  const all = sections.length === 0 ? ['the page has no invariants'] : problems;
  return all.map((problem) => `${invariantsPage}: ${problem}`);
}

function checkInvariant(
  section: string,
  number: number,
  files: ReadonlySet<string>,
  guardNames: ReadonlySet<string>,
): string[] {
  const name = `invariant ${number}`;
  if (!section.startsWith(`${number}. `)) return [`${name} is expected, not "${section.split('\n')[0]}"`];
  const enforced = listOf(section, 'Enforced');
  const tests = listOf(section, 'Tests');
  const isTest = (file: string) => file.endsWith('.test.ts');
  return [
    ...(enforced.some((file) => files.has(file) && !isTest(file))
      ? []
      : [`${name} names no file that enforces it`]),
    ...(tests.some((file) => files.has(file)) ? [] : [`${name} names no test that proves it`]),
    ...[...enforced, ...tests]
      .filter((file) => !files.has(file))
      .map((file) => `${name}: there is no ${file}`),
    ...tests.filter((file) => !isTest(file)).map((file) => `${name}: ${file} is not a test`),
    ...listOf(section, 'Guards')
      .filter((guard) => !guardNames.has(guard))
      .map((guard) => `${name}: there is no guard named "${guard}"`),
  ];
}

/** The texts in backticks in the list item that starts with the word; the item may span several lines. */
function listOf(section: string, word: string): string[] {
  const [, item = ''] =
    new RegExp(`^- ${word}: ([\\s\\S]*?)(?=^- |^\\s*$|(?![\\s\\S]))`, 'm').exec(section) ?? [];
  return [...item.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replace(/\s+/g, ' '));
}

/** The problems of comments: a cited invariant that the page does not have. */
export function checkCitations(page: string, sources: ReadonlyMap<string, string>): string[] {
  const numbers = new Set([...page.matchAll(/^## (\d+)\. /gm)].map(([, number]) => number));
  return [...sources].flatMap(([file, text]) =>
    citedIn(text)
      .filter((number) => !numbers.has(number))
      .map((number) => `${file}: ${invariantsPage} has no invariant ${number}`),
  );
}

/** `Invariant 3`, `Invariants 1 and 3`, `Invariant 1, 3`. */
function citedIn(text: string): string[] {
  return [...text.matchAll(/\bInvariants? (\d+(?:(?:, | and )\d+)*)/g)].flatMap(([, list = '']) =>
    list.split(/\D+/),
  );
}

if (import.meta.main) {
  const names = new Set(guards.map(({ name }) => name));
  const page = readProjectFile(invariantsPage);
  const files = projectFiles();
  const sources = files.filter((file) => file.endsWith('.ts') && !file.startsWith('tools/'));
  const texts = new Map(sources.map((file) => [file, readProjectFile(file)]));
  reportProblems([...checkInvariants(page, new Set(files), names), ...checkCitations(page, texts)]);
}
