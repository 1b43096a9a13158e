import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectFolder } from '../kit/processes.ts';
import { guards } from './guards.ts';
import { sourceWithout } from './source-without.ts';

/**
 * A test build, by `node --import`: the guard that IDRA_REMOVED_GUARD names is taken out of the source as it is loaded. Says on
 * stderr that it did. Fails where the text to be replaced is not found, exactly once: a guard that was rewritten is to be named anew.
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
