import assert from 'node:assert/strict';
import { readAll } from '../../../../connectors/sql/test-flow.ts';
import { type CrashPoint, installCrashHook } from '../../../../core/crash-points.ts';
import type { IdraError } from '../../../../core/errors.ts';
import { decodeOffset } from '../../../../core/offset.ts';
import { type Case, can, isTransactional, reads, writes } from '../case.ts';
import { type Context, texts } from '../context.ts';

const needs = [reads('Id'), writes('Append'), isTransactional];

/** Rows, offset and count of a batch are stored together or not at all; the next claimant continues without a row lost or doubled. */
export const crashes: readonly Case[] = [
  {
    name: 'crash: an owner that ends before a commit has written nothing, and the next owner continues before it',
    needs,
    run: (context) =>
      interrupt(context, async (point) => {
        if (point === 'commit:before') throw new Error('killed here');
      }),
  },
  {
    name: 'crash: connections that are cut before a commit have written nothing, and the next owner continues',
    needs: [...needs, can('cutSessions')],
    run: (context) =>
      interrupt(context, async (point) => {
        if (point === 'commit:before') await context.can.cutSessions();
      }),
  },
  {
    name: 'crash: an owner that ends after a commit, before its answer arrives, is continued after it',
    needs,
    async run(context) {
      const options = await openAppend(context);
      const first = await context.claim(options);
      const [batch] = await first.batches();
      await first.write(batch);
      await first.close();
      const next = await context.open(options);
      const claim = await next.claim();
      assert.deepEqual([claim.rows, decodeOffset(claim.offset ?? '')], [2, batch?.offset]);
      await next.pass(batch?.offset);
      await context.equal(options.from, options.to);
    },
  },
  {
    name: 'crash: connections that are cut between two pages cost no row, and the error is transient',
    needs: [reads('Id'), can('cutSessions')],
    async run(context) {
      const { from } = await openAppend(context);
      const flow = await context.open({ from, mode: 'Id', idField: 'id', maxRows: 2 });
      const reading = flow.read();
      const first = await reading.next();
      assert.ok(first.value && 'rows' in first.value);
      await context.can.cutSessions();
      // One page may have been read ahead.
      await readAll(reading).catch((error: IdraError) => assert.equal(error.disposition, 'transient'));
      const next = await context.open({ from, mode: 'Id', idField: 'id', maxRows: 2 });
      assert.equal((await next.batches(first.value.offset)).length, 2);
    },
  },
];

async function openAppend(context: Context) {
  const from = await context.fill(5);
  const to = context.newName();
  return { from, to, mode: 'Id', idField: 'id', writeMode: 'Append', maxRows: 2 } as const;
}

/** Writes one batch, and is interrupted in the second. */
async function interrupt(context: Context, hook: (point: CrashPoint) => Promise<void>): Promise<void> {
  const options = await openAppend(context);
  const first = await context.claim(options);
  const [one, two] = await first.batches();
  await first.write(one);
  installCrashHook(hook);
  await assert.rejects(first.write(two));
  installCrashHook(undefined);
  await first.close();
  const next = await context.open(options);
  const claim = await next.claim();
  assert.deepEqual([claim.rows, decodeOffset(claim.offset ?? '')], [2, one?.offset]);
  await context.holds(options.to, ...texts(1, 2));
  await next.pass(one?.offset);
  await context.equal(options.from, options.to);
}
