import { registerHooks } from 'node:module';

/**
 * Loaded by `node --import` into a process under test: every source then reads everything visible, as if no row could be late. A test of
 * late rows that passes with it proves nothing.
 */
const file = '/connectors/sql/source/read-pass.ts';
const guard = 'await reader.takeBound(request, field, signal)';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = String(loaded.source);
    if (!source.includes(guard)) throw new Error(`${file} does not take its bound as this test expects`);
    const without = `{ upTo: 'all' as const, report: { kind: 'none' as const } }`;
    return { ...loaded, source: source.replace(guard, without) };
  },
});
