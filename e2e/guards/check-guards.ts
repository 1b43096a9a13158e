import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../kit/processes.ts';
import { reportComplaints } from '../kit/project-files.ts';
import type { Guard } from './guard.ts';
import { guards } from './guards.ts';
import { sourceWithout } from './source-without.ts';

/** Of `make check`: whoever rewrites a guard's code, or moves its test, also changes its entry. */
export function checkGuards(all: readonly Guard[]): string[] {
  return all
    .flatMap((guard, index) => checkGuard(guard, all.slice(0, index)))
    .map((complaint) => `e2e/guards: ${complaint}`);
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

if (import.meta.main) reportComplaints(checkGuards(guards));
