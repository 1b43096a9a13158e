import assert from 'node:assert/strict';
import type { Flow } from '../../../../connectors/sql/test-flow.ts';
import type { Batch } from '../../../../core/batch.ts';
import { softDeleteColumn } from '../../../../core/connector.ts';
import { installCrashHook } from '../../../../core/crash-points.ts';
import { decodeOffset } from '../../../../core/offset.ts';
import type { OnError } from '../../../../core/sync-spec.ts';
import type { ColumnType, Value } from '../../../../core/values.ts';
import { type Case, can, deletes, isTransactional, writes } from '../case.ts';
import { type Context, numbered, texts } from '../context.ts';

const needs = [deletes, writes('Upsert'), isTransactional];
const first = '2026-11-24 08:00:00Z';
const later = '2026-11-25 08:00:00Z';

/** Deletions of a batch, with the rows beside them. */
export const deleting: readonly Case[] = [
  {
    name: 'deletes Hard: rows with the keys of deletions go, others stay, and both are counted',
    needs,
    async run(context) {
      const flow = await claimOnto(context, 'Hard');
      const result = await flow.write(batchOf(flow, [[1], [3], [70], [4, 'changed'], [5, 'new']]));
      assert.deepEqual([result.written, result.deleted, result.rejected, result.totalRows], [2, 2, 0, 2]);
      await context.holds(flow.to, '2 row 2', '4 changed', '5 new');
      const { offset, rows } = await context.commitRow(flow);
      assert.deepEqual([decodeOffset(offset ?? ''), rows], [{ mode: 'Stream', token: 'token 1' }, 2]);
      const again = await flow.write(batchOf(flow, [[1], [2]], 2));
      assert.deepEqual([again.written, again.deleted], [0, 1]);
      await context.holds(flow.to, '4 changed', '5 new');
    },
  },
  {
    name: 'deletes Hard: the last change of a key in a batch counts, whatever came before it',
    needs,
    async run(context) {
      const flow = await claimOnto(context, 'Hard');
      const rows = [[1], [1, 'again'], [2, 'x'], [2], [5, 'a'], [5], [5, 'b'], [6, 'a'], [6]] as const;
      const { deleted } = await flow.write(batchOf(flow, rows));
      assert.equal(deleted, 1);
      await context.holds(flow.to, '1 again', '3 row 3', '4 row 4', '5 b');
    },
  },
  {
    name: 'deletes Soft: a deletion marks its row once and keeps it, and an upsert of its key clears the mark',
    needs: [...needs, can('markedRows')],
    async run(context) {
      const flow = await claimOnto(context, 'Soft');
      const result = await flow.write(batchOf(flow, [[1], [2], [70], [4, 'changed']]));
      assert.deepEqual([result.written, result.deleted], [1, 2]);
      await context.holds(flow.to, '1 row 1', '2 row 2', '3 row 3', '4 changed');
      assert.deepEqual(await context.can.markedRows(flow.to), ['1', '2']);
      const again = await flow.write(batchOf(flow, [[2], [3], [1, 'back']], 2, later));
      assert.equal(again.deleted, 1);
      await context.holds(flow.to, '1 back', '2 row 2', '3 row 3', '4 changed');
      assert.deepEqual(await context.can.markedRows(flow.to), ['2', '3']);
    },
  },
  {
    name: 'deletes Soft: an object that is created has the column of the deletion',
    needs: [...needs, can('markedRows')],
    async run(context) {
      const flow = await context.claim({ from: await context.fill(1), deletes: 'Soft' });
      await flow.write(
        batchOf(flow, [
          [1, 'a'],
          [2, 'b'],
        ]),
      );
      await flow.write(batchOf(flow, [[2]], 2));
      await context.holds(flow.to, '1 a', '2 b');
      assert.deepEqual(await context.can.markedRows(flow.to), ['2']);
    },
  },
  {
    name: 'deletes: many deletions and rows in one batch',
    needs,
    async run(context) {
      const to = await context.target({}, numbered(1, 600));
      const flow = await context.claim({ from: await context.fill(1), to, deletes: 'Hard' });
      const rows = Array.from({ length: 900 }, (_, index): [number, string?] =>
        index % 2 === 0 ? [index + 1] : [index + 1, `row ${index + 1}`],
      );
      const result = await flow.write(batchOf(flow, rows));
      assert.deepEqual([result.written, result.deleted], [450, 300]);
      await context.holds(to, ...texts(...rows.flatMap(([id, body]) => (body === undefined ? [] : [id]))));
    },
  },
  {
    name: 'deletes, onError Stop: a deletion that the system refuses is named, and nothing of its batch is written',
    needs: [...needs, can('refuseDeletion')],
    async run(context) {
      const flow = await claimOnto(context, 'Hard');
      await context.can.refuseDeletion(flow.to, 2);
      await assert.rejects(flow.write(batchOf(flow, [[1], [2], [3], [4, 'changed']])), {
        code: 'ConstraintViolated',
        message: /row \(?id\)? \(?"?2/,
      });
      await context.holds(flow.to, ...texts(1, 2, 3, 4));
    },
  },
  {
    name: 'deletes, onError Skip: a deletion that the system refuses is left out, and no other',
    needs: [...needs, can('refuseDeletion')],
    async run(context) {
      const flow = await claimOnto(context, 'Hard', 'Skip');
      await context.can.refuseDeletion(flow.to, 2);
      const result = await flow.write(batchOf(flow, [[1], [2], [3], [4, 'changed']]));
      assert.deepEqual([result.deleted, result.written, result.rejected], [2, 1, 1]);
      assert.match(result.rejections[0]?.row ?? '', /2/);
      await context.holds(flow.to, '2 row 2', '4 changed');
    },
  },
  {
    name: 'deletes: an owner that ends before a commit has deleted nothing',
    needs,
    async run(context) {
      const flow = await claimOnto(context, 'Hard');
      installCrashHook(async (point) => {
        if (point === 'commit:before') throw new Error('killed here');
      });
      await assert.rejects(flow.write(batchOf(flow, [[1], [2, 'x']])));
      installCrashHook(undefined);
      await flow.close();
      await context.holds(flow.to, ...texts(1, 2, 3, 4));
    },
  },
  {
    name: 'deletes: a lower token deletes nothing',
    needs: [...needs, can('storeToken')],
    async run(context) {
      const flow = await claimOnto(context, 'Hard');
      await context.can.storeToken(flow.to, 99n);
      await assert.rejects(flow.write(batchOf(flow, [[1], [2, 'x']])), { disposition: 'fenced' });
      await context.holds(flow.to, ...texts(1, 2, 3, 4));
    },
  },
  {
    name: 'a batch without rows stores its offset',
    needs: [writes('Upsert'), isTransactional],
    async run(context) {
      const flow = await context.claim({ from: await context.fill(1), to: await context.target() });
      const result = await flow.write(batchOf(flow, []));
      assert.deepEqual([result.written, result.rejected, result.totalRows], [0, 0, 0]);
      const { offset } = await context.commitRow(flow);
      assert.deepEqual(decodeOffset(offset ?? ''), { mode: 'Stream', token: 'token 1' });
      await flow.write(batchOf(flow, [[1, 'a']], 2));
      await context.holds(flow.to, '1 a');
    },
  },
];

/** A claim on an object with four rows. */
async function claimOnto(context: Context, how: 'Hard' | 'Soft', onError: OnError = 'Stop'): Promise<Flow> {
  const to = await context.target({}, numbered(1, 4));
  return await context.claim({ from: await context.fill(1), to, deletes: how, onError });
}

/** Changes in their order: without a body it is a deletion. */
function batchOf(
  { plan }: Flow,
  changes: readonly (readonly [id: number, body?: string])[],
  token = 1,
  time = first,
): Batch {
  const columns = plan.columns.columns;
  const rows = changes.map(([id, body]) =>
    columns.map(({ name, source: { type } }): Value => {
      if (plan.key.includes(name)) return canonical(id, type);
      if (name === softDeleteColumn) return body === undefined ? time : null;
      return body ?? null;
    }),
  );
  const deletions = changes.flatMap(([, body], index) => (body === undefined ? [index] : []));
  return {
    rows: { format: 'values', rows, ...(deletions.length > 0 && { deletions }) },
    rowCount: rows.length,
    byteCount: 10 * rows.length,
    offset: { mode: 'Stream', token: `token ${token}` },
  };
}

function canonical(id: number, type: ColumnType): Value {
  if (type.kind !== 'int') return String(id);
  return type.bits === 64 ? BigInt(id) : id;
}
