import { registerHooks } from 'node:module';

/** Loaded by `node --import` into a process under test: rows are transferred as values, even if both ends support the same raw format. */
const file = '/agent/engine/plan.ts';
const choice = 'destination.rawRequests(write).find((request) => source.canServe(request, columns))';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = String(loaded.source);
    if (!source.includes(choice))
      throw new Error(`${file} does not choose its row format as this test expects`);
    return { ...loaded, source: source.replace(choice, `[${choice}].slice(1)[0]`) };
  },
});
