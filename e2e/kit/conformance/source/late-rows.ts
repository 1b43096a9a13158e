import assert from 'node:assert/strict';
import { until } from '../../wait.ts';
import { type Case, can, type Need, reads } from '../case.ts';
import type { Context } from '../context.ts';

const byTime = { mode: 'Timestamp', timestampField: 'at' } as const;
const byId = { mode: 'Id', idField: 'id' } as const;
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);

const boundedBy =
  (...bounds: readonly string[]): Need =>
  ({ definition }) =>
    bounds.includes(definition.capabilities.source.lateRowBound);

/** Rows that commit after later ones have been read. `e2e/late-rows` has each way in which a row of a system may be late. */
export const lateRows: readonly Case[] = [
  {
    name: 'Timestamp: a row that commits late is read, and the reason why others are held back is named',
    needs: [reads('Timestamp'), boundedBy('transactions', 'singleWriter'), can('openLateRow')],
    run: (context) => readLateRow(context, byTime),
  },
  {
    name: 'Id: a row that commits late is read, and the reason why others are held back is named',
    needs: [reads('Id'), boundedBy('transactions'), can('openLateRow')],
    run: (context) => readLateRow(context, byId),
  },
  {
    name: 'Timestamp: safetyLag holds back newer rows',
    needs: [reads('Timestamp')],
    async run(context) {
      const rows = [
        { id: 1, body: 'old', at: ago(60) },
        { id: 2, body: 'new', at: ago(1) },
      ];
      const from = await context.fill(rows, { hasTime: true });
      const lagging = await context.claim({ from, ...byTime, safetyLagMs: 10 * 60_000 });
      const { end, batches } = await lagging.pass();
      await context.holds(lagging.to, '1 old');
      assert.equal(end.isHeldBack, true);
      const prompt = await context.claim({ from, to: lagging.to, ...byTime, safetyLagMs: 0 });
      await prompt.pass(batches.at(-1)?.offset);
      await context.holds(lagging.to, '1 old', '2 new');
    },
  },
];

async function readLateRow(context: Context, mode: typeof byTime | typeof byId): Promise<void> {
  const from = await context.fill([{ id: 1, body: 'first', at: ago(60) }], { hasTime: true });
  const flow = await context.claim({ from, ...mode });
  const late = await context.can.openLateRow(from, 2, 3);
  const { end, batches } = await flow.pass();
  const passed = await context.destination.rows(flow.to);
  assert.ok(!passed.some((row) => row.startsWith('3')), passed.join());
  assert.equal(end.isHeldBack, true);
  assert.ok(end.bound.heldBackBy?.what);
  await late.commit();
  let offset = batches.at(-1)?.offset;
  const hasAll = async () => {
    offset = (await flow.pass(offset)).batches.at(-1)?.offset ?? offset;
    return (await context.destination.rows(flow.to)).length === 3;
  };
  await until(hasAll, { what: 'the row that was held back, and the late one' });
}
