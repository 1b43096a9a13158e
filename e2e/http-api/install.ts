import { registerHooks } from 'node:module';

/** Loaded by `node --import` into a process under test: the system is offered there, although the catalog only announces it. */
const file = '/connectors/catalog.ts';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = String(loaded.source);
    const changed = source
      .replace(/(export const definitions: readonly Definition\[\] = \[)/, '$1 http,')
      .replace('  ...announced,', "  ...announced.filter(({ type }) => type !== 'http'),");
    if (changed.length < source.length + 20) throw new Error(`${file} is not as this test expects`);
    return { ...loaded, source: `import { definition as http } from './http/definition.ts';\n${changed}` };
  },
});
