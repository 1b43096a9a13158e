import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../kit/processes.ts';
import { guards } from './guards.ts';
import { sourceWithout } from './source-without.ts';

/** Of `make check`: a guard whose code was rewritten, or whose test was moved, is named again by whoever does it. */
const names = new Set<string>();
for (const guard of guards) {
  try {
    if (names.has(guard.name)) throw new Error(`two guards are named "${guard.name}"`);
    names.add(guard.name);
    sourceWithout(guard);
    const { caughtBy } = guard;
    if (caughtBy !== 'model' && !existsSync(join(projectFolder, caughtBy.test)))
      throw new Error(`guard "${guard.name}": there is no test ${caughtBy.test}`);
  } catch (error) {
    console.error(`e2e/guards: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
