import assert from 'node:assert/strict';
import { readAll } from '../../../../connectors/sql/test-flow.ts';
import type { Offset } from '../../../../core/offset.ts';
import { until } from '../../wait.ts';
import { type Case, can, reads } from '../case.ts';
import { idsOf, numbered, signal } from '../context.ts';

const time = (second: number) => new Date(Date.UTC(2026, 0, 1, 8, 0, second));

/** Pages, offsets and the order in which they are read. */
export const paging: readonly Case[] = [
  {
    name: 'a batch ends at its limits of rows and bytes, and a larger row is sent alone',
    needs: [reads('Snapshot')],
    isForEachFormat: true,
    async run(context) {
      const rows = numbered(1, 30).map(({ id }) => ({ id, body: 'x'.repeat(id === 7 ? 50_000 : 900) }));
      const from = await context.fill(rows);
      const byBytes = await context.open({ from, maxBytes: 10_000 });
      const { batches } = await byBytes.readAll();
      assert.ok(batches.every((batch) => batch.byteCount <= 10_000 || batch.rowCount === 1));
      assert.ok(batches.some((batch) => batch.byteCount > 40_000));
      assert.equal(
        batches.reduce((sum, batch) => sum + batch.rowCount, 0),
        30,
      );
      const byRows = await context.open({ from, maxRows: 8 });
      const counts = (await byRows.readAll()).batches.map((batch) => batch.rowCount);
      assert.deepEqual(counts, [8, 8, 8, 6]);
    },
  },
  {
    name: 'a pass continues after the offset of any of its batches',
    needs: [reads('Snapshot')],
    async run(context) {
      const flow = await context.open({ from: await context.fill(7), maxRows: 2, rowFormat: 'values' });
      const { batches } = await flow.readAll();
      assert.deepEqual(idsOf(batches), [1, 2, 3, 4, 5, 6, 7]);
      for (const [index, { offset }] of batches.entries()) {
        const rest = await flow.readAll(offset);
        assert.deepEqual(idsOf(rest.batches), idsOf(batches.slice(index + 1)));
      }
    },
  },
  {
    name: 'without a key a pass is one snapshot, whatever is written meanwhile',
    needs: [reads('Snapshot')],
    async run(context) {
      const from = await context.fill(5, { key: 'none' });
      const flow = await context.open({ from, maxRows: 2, writeMode: 'Append' });
      const reading = flow.read();
      const first = await reading.next();
      assert.equal(first.done, false);
      await context.source.insert(from, [{ id: 6, body: 'later' }]);
      const counts = (await readAll(reading)).batches.map((batch) => batch.rowCount);
      assert.deepEqual(counts, [2, 1]);
    },
  },
  {
    name: 'a query is paged by its key, and a comment at its end harms nothing',
    needs: [reads('Snapshot'), can('query')],
    async run(context) {
      const query = context.can.query(await context.fill(5));
      const flow = await context.open({ query, sourceKey: ['id'], maxRows: 2, rowFormat: 'values' });
      assert.equal(flow.request.relation.isOpaque, true);
      assert.deepEqual(idsOf((await flow.readAll()).batches), [1, 2, 3, 4, 5]);
    },
  },
  {
    name: 'an order in which rows are equal, or NULL, is detected page by page',
    needs: [reads('Snapshot'), can('query')],
    async run(context) {
      for (const [code, ids] of [
        ['KeyNotUnique', [1, 2, 2, 3]],
        ['KeyNullable', [1, 2, null, 3]],
      ] as const) {
        const rows = ids.map((id) => ({ id, body: 'x' }));
        const query = context.can.query(await context.fill(rows, { key: 'none' }));
        const flow = await context.open({ query, sourceKey: ['id'], maxRows: 1 });
        await assert.rejects(flow.readAll(), { code });
      }
    },
  },
  {
    name: 'Id: a pass ends at the rows that existed when it began, and the next one continues after them',
    needs: [reads('Id')],
    async run(context) {
      const from = await context.fill(3);
      const flow = await context.open({ from, mode: 'Id', idField: 'id', maxRows: 2, rowFormat: 'values' });
      const reading = flow.read();
      const { value: first } = await reading.next();
      assert.ok(first && 'rows' in first);
      await context.source.insert(from, numbered(4, 4));
      const { batches } = await readAll(reading);
      assert.deepEqual(idsOf([first, ...batches]), [1, 2, 3]);
      const next = async () => idsOf((await flow.readAll(batches.at(-1)?.offset)).batches);
      await until(async () => (await next()).join() === '4', { what: 'the fourth row' });
    },
  },
  {
    name: 'rows between two offsets are counted, and there are none from the later to the earlier one',
    needs: [reads('Id')],
    async run(context) {
      const from = await context.fill(9);
      const flow = await context.open({ from, mode: 'Id', idField: 'id', maxRows: 2, rowFormat: 'values' });
      const { batches } = await flow.readAll();
      assert.deepEqual(idsOf(batches), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const [second, sixth] = [batches[0]?.offset ?? null, batches[2]?.offset ?? null];
      const count = async (after: Offset | null, upTo: Offset | 'end' | null) =>
        await flow.source.countBetween?.({ request: { ...flow.request, after }, upTo }, signal);
      const exact = (rows: number) => ({ rows, precision: 'exact' });
      assert.deepEqual(await count(second, sixth), exact(4));
      assert.deepEqual(await count(sixth, second), exact(0));
      assert.deepEqual(await count(null, second), exact(2));
      assert.deepEqual(await count(second, null), exact(0));
      assert.deepEqual(await count(sixth, 'end'), exact(3));
      assert.deepEqual(await count(second, second), exact(0));
    },
  },
  {
    name: 'rows between two offsets of time and key, or of a key, are counted',
    needs: [reads('Timestamp'), reads('Id')],
    async run(context) {
      const rows = numbered(1, 9).map((row) => ({ ...row, at: time(Math.floor((row.id ?? 0) / 4)) }));
      const from = await context.fill(rows, { hasTime: true });
      for (const options of [{ mode: 'Timestamp', timestampField: 'at' } as const, {}]) {
        const flow = await context.open({ from, ...options, maxRows: 2, rowFormat: 'values' });
        const { batches } = await flow.readAll();
        const [second, sixth] = [batches[0]?.offset ?? null, batches[2]?.offset ?? null];
        const count = async (after: Offset | null, upTo: Offset | null) =>
          await flow.source.countBetween?.({ request: { ...flow.request, after }, upTo }, signal);
        assert.deepEqual(await count(second, sixth), { rows: 4, precision: 'exact' });
        assert.deepEqual(await count(sixth, second), { rows: 0, precision: 'exact' });
      }
    },
  },
  {
    name: 'Timestamp: equal times at the edge of a batch are all read, each once; rows without a time are counted',
    needs: [reads('Timestamp')],
    async run(context) {
      const timed = numbered(1, 7).map((row) => ({ ...row, at: time(0) }));
      const from = await context.fill([...timed, ...numbered(8, 9)], { hasTime: true });
      const mode = { mode: 'Timestamp', timestampField: 'at' } as const;
      const flow = await context.open({ from, ...mode, maxRows: 3, rowFormat: 'values' });
      const { batches, end } = await flow.readAll();
      assert.deepEqual(idsOf(batches), [1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual([end.nullRows, end.isHeldBack], [2, false]);
      const rest = await flow.readAll(batches[0]?.offset);
      assert.deepEqual(idsOf(rest.batches), [4, 5, 6, 7]);
    },
  },
];
