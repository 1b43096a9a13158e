import assert from 'node:assert/strict';
import { type Flow, firstPass } from '../../../../connectors/sql/test-flow.ts';
import { decodeStored } from '../../../../core/offset.ts';
import { type Case, can, isTransactional, reads, writes } from '../case.ts';
import { type Context, numbered, signal, texts } from '../context.ts';

const needs = [reads('Snapshot'), writes('Replace'), isTransactional];
const secondPass = { ...firstPass, pass: 2 };

/** Readers see the old rows until the new ones are complete. */
export const replacing: readonly Case[] = [
  {
    name: 'Replace: readers see the old rows until the end, then only the new ones; the next pass replaces these',
    needs,
    isForEachFormat: true,
    async run(context) {
      const flow = await openReplace(context);
      await flow.begin();
      for (const batch of await flow.batches()) {
        await flow.write(batch);
        await context.holds(flow.to, '99 old');
      }
      assert.equal((await flow.end()).totalRows, 5);
      await context.holds(flow.to, ...texts(1, 2, 3, 4, 5));
      await context.source.delete(flow.from, 2);
      await flow.pass(secondPass);
      await context.holds(flow.to, ...texts(1, 3, 4, 5));
      const { token } = await flow.claim();
      await flow.pass({ ...firstPass, pass: 3 });
      await context.equal(flow.from, flow.to);
      assert.equal(token, 2n);
    },
  },
  {
    name: 'Replace: an interrupted pass continues with its rows, a restarted one without',
    needs,
    async run(context) {
      const first = await openReplace(context);
      const [batch, second] = await first.batches();
      await first.begin();
      await first.write(second);
      await first.begin();
      await first.write(batch);
      await first.close();
      const next = await context.claim({ from: first.from, to: first.to, writeMode: 'Replace', maxRows: 2 });
      await next.pass(batch?.offset);
      await context.holds(first.to, ...texts(1, 2, 3, 4, 5));
    },
  },
  {
    name: 'Replace: without a key all equal rows are kept, and the pass is one transaction',
    needs,
    async run(context) {
      const from = await context.fill([...numbered(1, 2), ...numbered(2, 2)], { key: 'none' });
      const flow = await context.claim({ from, writeMode: 'Replace', maxRows: 2 });
      await flow.pass();
      await flow.pass(secondPass);
      await context.holds(flow.to, ...texts(1, 2, 2));
    },
  },
  {
    name: 'Replace: an earlier owner neither swaps nor touches the shadow of the next one',
    needs: [...needs, can('storeToken')],
    async run(context) {
      const old = await openReplace(context);
      await old.begin();
      const batches = await old.batches();
      for (const batch of batches) await old.write(batch);
      await context.can.storeToken(old.to, 9n);
      await assert.rejects(old.end(), { disposition: 'fenced' });
      await context.holds(old.to, '99 old');
      const next = await context.claim({ from: old.from, to: old.to, writeMode: 'Replace' }, 10n);
      await next.begin();
      for (const batch of await next.batches()) await next.write(batch);
      await assert.rejects(old.begin());
      await next.end();
      await context.holds(old.to, ...texts(1, 2, 3, 4, 5));
    },
  },
  {
    name: 'Replace: a shadow whose rows vanish is never swapped in',
    needs: [...needs, can('leftovers')],
    async run(context) {
      const flow = await openReplace(context);
      const before = await context.can.leftovers();
      await flow.begin();
      for (const batch of await flow.batches()) await flow.write(batch);
      const shadow = (await context.can.leftovers()).find((each) => !before.includes(each));
      await context.destination.delete(shadow ?? assert.fail('no shadow'), 3);
      await assert.rejects(flow.end(), { code: 'ReplaceCountDiffers', disposition: 'permanent' });
      await context.holds(flow.to, '99 old');
      await startsOver(context, flow);
      await flow.pass(secondPass);
      await context.equal(flow.from, flow.to);
    },
  },
  {
    name: 'Replace: an interrupted pass whose shadow is gone starts over',
    needs: [...needs, can('leftovers'), can('change')],
    async run(context) {
      const flow = await openReplace(context);
      const before = await context.can.leftovers();
      await flow.begin();
      await flow.write((await flow.batches())[0]);
      const shadow = (await context.can.leftovers()).find((each) => !before.includes(each)) ?? 'no shadow';
      await context.can.change(context.destination, shadow, 'the object is dropped');
      const resumed = flow.destination.beginPass({ pass: 1, isResumed: true, isAtomic: false }, signal);
      await assert.rejects(resumed, { code: 'ShadowMissing', disposition: 'transient' });
      await startsOver(context, flow);
      await flow.pass(secondPass);
      await context.equal(flow.from, flow.to);
    },
  },
  {
    name: 'Replace: nothing is left of a Sync that is deleted in the middle of a pass, nor of one that is complete',
    needs: [...needs, can('leftovers')],
    async run(context) {
      const before = await context.can.leftovers();
      const flow = await openReplace(context);
      await flow.pass();
      assert.deepEqual(await context.can.leftovers(), before);
      await flow.begin();
      assert.equal((await context.can.leftovers()).length, before.length + 1);
      await flow.destination.closeRows(flow.plan.uid, 100n, signal);
      assert.deepEqual(await context.can.leftovers(), before);
    },
  },
];

/** The stored offset is where the pass began, so that no owner continues it in a shadow that lacks rows. */
async function startsOver(context: Context, flow: Flow): Promise<void> {
  const stored = decodeStored((await context.commitRow(flow)).offset);
  assert.ok(stored === null || (stored.mode === 'Snapshot' && stored.key === null), JSON.stringify(stored));
}

/** Five rows that will replace one. */
async function openReplace(context: Context) {
  const from = await context.fill(5);
  const to = await context.target({}, [{ id: 99, body: 'old' }]);
  return { ...(await context.claim({ from, to, writeMode: 'Replace', maxRows: 2 })), from };
}
