import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Guard } from '../e2e/guards/guard.ts';
import { guards } from '../e2e/guards/guards.ts';
import { sourceWithout } from '../e2e/guards/source-without.ts';
import { projectFolder } from '../e2e/kit/processes.ts';
import { reportProblems } from './project-files.ts';

/** Part of `make check`: whoever rewrites a guard's code, or moves its test, must also change its entry. */
export function checkGuards(all: readonly Guard[]): string[] {
  return all
    .flatMap((guard, index) => checkGuard(guard, all.slice(0, index)))
    .map((problem) => `e2e/guards: ${problem}`);
}

function checkGuard(guard: Guard, before: readonly Guard[]): string[] {
  const { name, caughtBy } = guard;
  const isKnown = before.some((each) => each.name === name);
  const test = caughtBy === 'model' ? undefined : caughtBy.test;
  return [
    ...(isKnown ? [`two guards are named "${name}"`] : []),
    ...withoutProblem(guard),
    ...(test === undefined || existsSync(join(projectFolder, test))
      ? []
      : [`guard "${name}": there is no test ${test}`]),
  ];
}

function withoutProblem(guard: Guard): string[] {
  try {
    sourceWithout(guard);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

if (import.meta.main) reportProblems(checkGuards(guards));
