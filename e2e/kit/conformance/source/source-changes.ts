import assert from 'node:assert/strict';
import { readAll } from '../../../../connectors/sql/test-flow.ts';
import { type Case, can, reads } from '../case.ts';
import { changes } from '../harness.ts';

/** No row with a shape other than the planned one is handed on. */
export const sourceChanges: readonly Case[] = [
  ...changes.map(
    (change): Case => ({
      name: `source: ${change} between two pages`,
      needs: [reads('Snapshot'), can('change')],
      isForEachFormat: change === 'a column is retyped',
      async run(context) {
        const from = await context.fill(3);
        const flow = await context.open({ from, maxRows: 1 });
        const reading = flow.read();
        assert.equal((await reading.next()).done, false);
        await context.can.change(context.source, from, change);
        const isGone = change === 'the object is dropped';
        const changed = { code: 'SchemaChanged', disposition: 'transient' };
        await assert.rejects(reading.next(), isGone ? { code: /^(SchemaChanged|TableNotFound)$/ } : changed);
      },
    }),
  ),
  {
    name: 'source: a query whose object changes between two pages',
    needs: [reads('Snapshot'), can('change'), can('query')],
    async run(context) {
      const from = await context.fill(9);
      const flow = await context.open({
        query: context.can.query(from),
        sourceKey: ['id'],
        maxRows: 1,
      });
      const reading = flow.read();
      assert.equal((await reading.next()).done, false);
      await context.can.change(context.source, from, 'a column is retyped');
      // A page may have been read ahead.
      await assert.rejects(readAll(reading), { code: 'SchemaChanged' });
    },
  },
  {
    name: 'source: a change before the one statement of an object without a key',
    needs: [reads('Snapshot'), can('change')],
    async run(context) {
      const from = await context.fill(3, { key: 'none' });
      const flow = await context.open({ from, writeMode: 'Append' });
      await context.can.change(context.source, from, 'a column is added');
      await assert.rejects(flow.read().next(), { code: 'SchemaChanged' });
    },
  },
  {
    name: 'source: changes that no plan depends on do not stop a pass',
    needs: [reads('Snapshot'), can('changeNothing')],
    async run(context) {
      const from = await context.fill(3);
      const reading = (await context.open({ from, maxRows: 1 })).read();
      await reading.next();
      await context.can.changeNothing(context.source, from);
      assert.equal((await readAll(reading)).batches.length, 2);
    },
  },
];
