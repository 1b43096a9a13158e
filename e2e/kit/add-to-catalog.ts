import { registerHooks } from 'node:module';
import { projectFolder } from './processes.ts';

const file = '/connectors/catalog.ts';
const list = /(export const definitions: readonly Definition\[\] = \[)/;

/** Adds a system of a test to the catalog of this process, before it is loaded. `path`: of its definition, from the folder of the project. */
export function addToCatalog(path: string): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = String(loaded.source);
      if (!list.test(source)) throw new Error(`${file} does not list the systems as this test expects`);
      const added = `import { definition as systemOfTest } from '${projectFolder}/${path}';\n`;
      return { ...loaded, source: added + source.replace(list, '$1 systemOfTest,') };
    },
  });
}
