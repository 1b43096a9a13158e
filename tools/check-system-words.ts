import { globSync } from 'node:fs';
import { projectFolder } from '../e2e/kit/processes.ts';
import { readProjectFile, reportProblems } from './project-files.ts';
import { withoutComments } from './without-comments.ts';

/** Files that must not depend on the system behind a connector. */
const pattern = '{agent/engine,agent/lead,core}/**/*.ts';
/** Error codes and fields of manifests may name the systems that they apply to. */
const described = /^core\/(error-codes\/.+|manifest\/((sync|object)-schema|http-fields))\.ts$/;

const statement =
  /\b(SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|JOIN|WHERE|ORDER BY|NOT NULL|PRIMARY KEY|UNIQUE|IDENTITY|DDL|COPY|SQL)\b/;
const system = /\b(postgres\w*|mysql|mariadb|sqlite|sqlserver|mongodb|kafka|_idra_commits)\b/i;

/** Words of SQL and names of systems outside of comments: these must come from connectors (core/definition.ts, core/remedies.ts). */
export function checkSystemWords(file: string, text: string): string[] {
  return withoutComments(text)
    .split('\n')
    .flatMap((line, index) => {
      const [word] = statement.exec(line) ?? system.exec(line) ?? [];
      return word === undefined
        ? []
        : [`${file}:${index + 1} says ${word}: what a system is and needs comes from its connector`];
    });
}

if (import.meta.main) {
  const files = globSync(pattern, { cwd: projectFolder }).filter(
    (file) => !/\.test\.ts$/.test(file) && !described.test(file),
  );
  reportProblems(files.flatMap((file) => checkSystemWords(file, readProjectFile(file))));
}
