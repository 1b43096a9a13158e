import assert from 'node:assert/strict';
import { installCrashHook } from '../../../../core/crash-points.ts';
import { type Case, can, isTransactional, reads, writes } from '../case.ts';
import { type Context, signal } from '../context.ts';

const fenced = { disposition: 'fenced' };
const needs = [reads('Snapshot'), writes('Append'), isTransactional];

async function openOwner(context: Context, token: bigint, to?: string, from?: string) {
  const options = { from: from ?? (await context.fill(40)), to: to ?? (await context.target()) };
  const flow = await context.claim({ ...options, writeMode: 'Append', maxRows: 10 }, token);
  return { flow, from: options.from, batches: await flow.batches() };
}

/** Of two owners that both believe they hold the Sync, only the one with the higher token can write. */
export const fence: readonly Case[] = [
  {
    name: 'fence: a lower token neither claims, writes, ends a pass, sets an offset nor closes rows',
    needs,
    async run(context) {
      const { flow: old, from, batches } = await openOwner(context, 5n);
      await old.begin();
      await old.write(batches[0]);
      const { flow: next } = await openOwner(context, 7n, old.to, from);
      const { uid } = old.plan;
      const { offset } = await context.commitRow(next);
      await assert.rejects(old.write(batches[1]));
      await assert.rejects(old.end());
      const late = await context.open({ from, to: old.to });
      await assert.rejects(late.claim({ token: 6n }), fenced);
      const change = { uid, expected: offset, offset: null, token: 5n };
      await assert.rejects(late.destination.setOffset(change, signal), fenced);
      await assert.rejects(late.destination.closeRows(uid, 5n, signal), fenced);
      const { token, rows } = await context.commitRow(next);
      assert.deepEqual([token, rows], [7n, 10]);
      await next.pass(batches[0]?.offset);
      await context.equal(from, old.to);
    },
  },
  {
    name: 'fence: an owner whose session could not be ended writes nothing under a lower token',
    needs: [...needs, can('storeToken')],
    async run(context) {
      const { flow, batches } = await openOwner(context, 5n);
      await flow.begin();
      await flow.write(batches[0]);
      await context.can.storeToken(flow.to, 6n);
      await assert.rejects(flow.write(batches[1]), fenced);
      await assert.rejects(flow.end(), fenced);
      assert.equal((await context.destination.rows(flow.to)).length, 10);
      assert.equal((await context.commitRow(flow)).rows, 10);
    },
  },
  {
    name: 'fence: an owner that is paused before its commit blocks no claim, and its rows are never written',
    needs,
    async run(context) {
      const { flow: old, from, batches } = await openOwner(context, 1n);
      await old.begin();
      const stopped = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      installCrashHook((point) => {
        if (point !== 'commit:before') return;
        installCrashHook(undefined);
        stopped.resolve();
        return released.promise;
      });
      const writing = old.write(batches[0]);
      writing.catch(() => {});
      try {
        await stopped.promise;
        const { flow: next } = await openOwner(context, 2n, old.to, from);
        await next.pass();
        released.resolve();
        await assert.rejects(writing, { disposition: /^(fenced|transient)$/ });
        await context.equal(from, old.to);
        assert.equal((await context.commitRow(next)).rows, 40);
      } finally {
        released.resolve();
        await writing.catch(() => {});
      }
    },
  },
];
