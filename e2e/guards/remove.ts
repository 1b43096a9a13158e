import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectFolder } from '../kit/processes.ts';
import { guards } from './guards.ts';
import { sourceWithout } from './source-without.ts';

/**
 * A test build, loaded by `node --import`: removes the guard that IDRA_REMOVED_GUARD names from the source as it is loaded, and reports
 * it on stderr. Fails if the text to be replaced is not found exactly once; the entry of a rewritten guard must be updated.
 */
const name = process.env.IDRA_REMOVED_GUARD;
const guard = guards.find((each) => each.name === name);
if (guard === undefined) throw new Error(`IDRA_REMOVED_GUARD: there is no guard named ${name}`);
const path = join(projectFolder, guard.file);
const source = sourceWithout(guard);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || fileURLToPath(url) !== path) return loaded;
    writeSync(2, `guard removed: ${name}\n`);
    return { ...loaded, source };
  },
});
