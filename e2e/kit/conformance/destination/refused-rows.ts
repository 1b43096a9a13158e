import assert from 'node:assert/strict';
import type { IdraError } from '../../../../core/errors.ts';
import { type Case, isTransactional, type Need, reads, writes } from '../case.ts';
import { type Context, numbered } from '../context.ts';

const needs: readonly Need[] = [reads('Snapshot'), isTransactional];

/** Rows that the destination itself refuses. */
export const refusedRows: readonly Case[] = (['Append', 'Upsert'] as const).flatMap((writeMode): Case[] => [
  {
    name: `${writeMode}, onError Stop: nothing of the batch is written, and the row is named by its key alone`,
    needs: [...needs, writes(writeMode)],
    isForEachFormat: true,
    async run(context) {
      const flow = await openRefusing(context, { writeMode, onError: 'Stop' });
      await assert.rejects(flow.pass(), (error: IdraError) => {
        assert.deepEqual([error.code, error.disposition], ['ConstraintViolated', 'permanent']);
        assert.match(error.message, /\bid 13\b/);
        assert.match(error.message, new RegExp(flow.to));
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      await context.holds(flow.to);
      const { offset, rows } = await context.commitRow(flow);
      assert.deepEqual([offset, rows], [null, 0]);
    },
  },
  {
    name: `${writeMode}, onError Skip: the refused rows are left out and named, and no other`,
    needs: [...needs, writes(writeMode)],
    isForEachFormat: true,
    async run(context) {
      const flow = await openRefusing(context, { writeMode, onError: 'Skip' });
      await flow.begin();
      const results = [];
      for (const batch of await flow.batches()) results.push(await flow.write(batch));
      const rejections = results.flatMap((result) => result.rejections);
      assert.deepEqual(
        rejections.map(({ code, row }) => [code, row]),
        [
          ['ConstraintViolated', 'id 13'],
          ['ConstraintViolated', 'id 77'],
        ],
      );
      assert.doesNotMatch(JSON.stringify(rejections), /secret/);
      assert.deepEqual(
        results.map(({ written, rejected }) => [written, rejected]),
        [
          [59, 1],
          [39, 1],
        ],
      );
      const rows = await context.source.rows(flow.from);
      await context.holds(flow.to, ...rows.filter((row) => !row.endsWith('secret')));
      assert.equal((await context.commitRow(flow)).rows, 98);
    },
  },
]);

async function openRefusing(
  context: Context,
  options: { readonly writeMode: 'Append' | 'Upsert'; readonly onError: 'Stop' | 'Skip' },
) {
  const isRefused = (id: number | null) => id === 13 || id === 77;
  const rows = numbered(1, 100).map((row) => (isRefused(row.id) ? { ...row, body: 'a long secret' } : row));
  const from = await context.fill(rows);
  const to = await context.target({ maxBody: 10 });
  const flow = await context.claim({ from, to, maxRows: 60, ...options });
  return { ...flow, from };
}
