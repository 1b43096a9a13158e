import { registerHooks } from 'node:module';
import { projectFolder } from '../kit/processes.ts';

/** Loaded by `node --import` into a process under test: adds one system to the catalog. */
const file = '/connectors/catalog.ts';
const list = '[postgres, mysql, sqlite]';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = String(loaded.source);
    if (!source.includes(list)) throw new Error(`${file} does not list the systems as this test expects`);
    const added = `import { definition as ninth } from '${projectFolder}/e2e/ninth-system/definition.ts';\n`;
    return { ...loaded, source: added + source.replace(list, '[postgres, mysql, sqlite, ninth]') };
  },
});
