import assert from 'node:assert/strict';
import { type Case, can, isTransactional, reads, writes } from '../case.ts';
import { type Context, numbered, texts } from '../context.ts';
import { changes } from '../harness.ts';

const writeModes = ['Append', 'Upsert', 'Replace'] as const;
type WriteMode = (typeof writeModes)[number];
const needsOf = (writeMode: WriteMode) => [reads('Snapshot'), writes(writeMode), isTransactional];

/** Each batch goes into the object that was claimed, as it was planned. */
export const targetChanges: readonly Case[] = [
  ...writeModes.flatMap((writeMode) =>
    changes.map(
      (change): Case => ({
        name: `destination: ${change}, ${writeMode}`,
        needs: [...needsOf(writeMode), can('change')],
        isForEachFormat: writeMode !== 'Replace' && change === 'a column is retyped',
        run: (context) =>
          changeTarget(context, writeMode, (to) => context.can.change(context.destination, to, change)),
      }),
    ),
  ),
  ...writeModes.map(
    (writeMode): Case => ({
      name: `destination: another object replaces it, ${writeMode}`,
      needs: [...needsOf(writeMode), can('replaceObject')],
      run: (context) =>
        changeTarget(context, writeMode, (to) => context.can.replaceObject(context.destination, to)),
    }),
  ),
  {
    name: 'destination: changes that no plan depends on do not stop the writing',
    needs: [...needsOf('Upsert'), can('changeNothing')],
    async run(context) {
      const flow = await context.claim({ from: await context.fill(2), maxRows: 1 });
      const batches = await flow.batches();
      await flow.begin();
      await flow.write(batches[0]);
      await context.can.changeNothing(context.destination, flow.to);
      await flow.write(batches[1]);
      await context.holds(flow.to, ...texts(1, 2));
    },
  },
];

async function changeTarget(
  context: Context,
  writeMode: WriteMode,
  change: (to: string) => Promise<void>,
): Promise<void> {
  const from = await context.fill(3);
  const to = await context.target({}, numbered(50, 50));
  const flow = await context.claim({ from, to, writeMode, maxRows: 1 });
  const [first, ...rest] = await flow.batches();
  await flow.begin();
  await flow.write(first);
  const before = await context.commitRow(flow);
  await change(to);
  const held = await context.destination.rows(to).catch(() => null);
  const goOn = async () => {
    for (const batch of rest) await flow.write(batch);
    await flow.end();
  };
  await assert.rejects(goOn, { code: 'SchemaChanged', disposition: 'transient' });
  assert.deepEqual(await context.destination.rows(to).catch(() => null), held);
  if (writeMode !== 'Replace') assert.deepEqual(await context.commitRow(flow), before);
}
