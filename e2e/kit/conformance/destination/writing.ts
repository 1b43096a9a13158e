import assert from 'node:assert/strict';
import { firstPass } from '../../../../connectors/sql/test-flow.ts';
import { decodeOffset } from '../../../../core/offset.ts';
import { type Case, can, isTransactional, reads, writes } from '../case.ts';
import { numbered, signal, texts } from '../context.ts';

const secondPass = { ...firstPass, pass: 2 };
const upserts = [reads('Snapshot'), writes('Upsert'), isTransactional];

/** Append and Upsert. */
export const writing: readonly Case[] = [
  {
    name: 'Upsert: a pass creates the object with its key and stores its offset; the next one updates what has changed',
    needs: upserts,
    isForEachFormat: true,
    async run(context) {
      const from = await context.fill(100);
      const flow = await context.open({ from, maxRows: 30 });
      const claim = await flow.claim();
      assert.deepEqual([claim.token, claim.offset, claim.rows], [1n, null, 0]);
      const { batches } = await flow.pass();
      assert.deepEqual(
        batches.map((batch) => batch.rowCount),
        [30, 30, 30, 10],
      );
      await context.equal(from, flow.to);
      const { offset, rows } = await context.commitRow(flow);
      assert.deepEqual([decodeOffset(offset ?? ''), rows], [{ ...firstPass, isComplete: true }, 100]);
      assert.deepEqual((await flow.destination.describe(signal))?.keys[0]?.columns, ['id']);
      await context.source.update(from, 7, 'changed');
      await context.source.insert(from, [{ id: 1000, body: 'new' }]);
      await flow.pass(secondPass);
      await context.equal(from, flow.to);
      assert.equal((await context.commitRow(flow)).rows, 201);
    },
  },
  {
    name: 'Upsert: of several rows of one key the last in read order wins',
    needs: upserts,
    isForEachFormat: true,
    async run(context) {
      const rows = numbered(1, 40).map(({ id }) => ({ id, body: `k${Number(id) % 5}` }));
      const from = await context.fill(rows, { hasShortBody: true });
      const to = await context.target({ key: 'body' });
      const flow = await context.claim({ from, to, key: ['body'], maxRows: 15 });
      await flow.pass();
      await context.holds(to, '36 k1', '37 k2', '38 k3', '39 k4', '40 k0');
    },
  },
  {
    name: 'Upsert: rows of other keys stay, and rows of these keys change, even if most are new',
    needs: upserts,
    isForEachFormat: true,
    async run(context) {
      const from = await context.fill(5);
      const old = [
        { id: 3, body: 'old' },
        { id: 70, body: 'stays' },
      ];
      const flow = await context.claim({ from, to: await context.target({}, old), maxRows: 2 });
      await flow.pass();
      await context.holds(flow.to, ...texts(1, 2, 3, 4, 5), '70 stays');
      assert.equal((await context.commitRow(flow)).rows, 5);
    },
  },
  {
    name: 'Upsert: an object with only key columns',
    needs: upserts,
    async run(context) {
      const from = await context.fill([{ id: 1 }, { id: 2 }], { hasNoBody: true });
      const flow = await context.claim({ from, to: await context.target({ hasNoBody: true }) });
      await flow.pass();
      await flow.pass(secondPass);
      await context.equal(from, flow.to);
    },
  },
  {
    name: 'Upsert: a key of which only the case has changed is updated',
    needs: [...upserts, can('caselessKeys')],
    isForEachFormat: true,
    async run(context) {
      const shape = { key: 'body', isCaseless: true } as const;
      const from = await context.fill(
        [
          { id: 1, body: 'abc' },
          { id: 2, body: 'd' },
        ],
        shape,
      );
      const flow = await context.claim({ from, to: await context.target(shape) });
      await flow.pass();
      await context.source.update(from, 1, 'ABC');
      await flow.pass(secondPass);
      await context.holds(flow.to, '1 ABC', '2 d');
    },
  },
  {
    name: 'Append: a pass by id continues after the last one, and counts the rows that it wrote',
    needs: [reads('Id'), writes('Append'), isTransactional],
    isForEachFormat: true,
    async run(context) {
      const options = {
        from: await context.fill(10),
        to: context.newName(),
        mode: 'Id',
        idField: 'id',
        writeMode: 'Append',
      } as const;
      const flow = await context.claim(options);
      const { batches } = await flow.pass();
      await context.source.insert(options.from, numbered(11, 11));
      await flow.pass(batches.at(-1)?.offset);
      await context.equal(options.from, options.to);
      await flow.close();
      const next = await (await context.open(options)).claim();
      assert.deepEqual([next.rows, next.token, JSON.parse(next.offset ?? '').id], [11, 2n, '11']);
    },
  },
  {
    name: 'Append: a pass without a key is one transaction, and an abandoned one leaves nothing',
    needs: [reads('Snapshot'), writes('Append'), isTransactional],
    isForEachFormat: true,
    async run(context) {
      const from = await context.fill([...numbered(1, 3), ...numbered(3, 4)], { key: 'none' });
      const flow = await context.claim({ from, writeMode: 'Append', maxRows: 2 });
      const batches = await flow.batches();
      await flow.begin({ isAtomic: true });
      await flow.write((await flow.batches())[0]);
      await flow.begin({ isAtomic: true });
      const totals: number[] = [];
      for (const batch of batches) {
        totals.push((await flow.write(batch)).totalRows);
        await context.holds(flow.to);
      }
      assert.deepEqual(totals, [2, 4, 5]);
      assert.equal((await flow.end()).totalRows, 5);
      await context.equal(from, flow.to);
    },
  },
];
