import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { RateDemand } from '../../core/rate-share.ts';
import type { SyncStore } from '../../core/sync-store.ts';
import { ManualClock } from '../../e2e/kit/engine-run.ts';
import { RateBudget } from './rate-budget.ts';

const never = new AbortController().signal;

function setUp() {
  const clock = new ManualClock('2026-11-26T08:00:00Z');
  const demands: { own: RateDemand | undefined; others: RateDemand[] } = { own: undefined, others: [] };
  const store = {
    setRateDemand: (_name: string, demand: RateDemand | undefined) => {
      demands.own = demand;
    },
    rateDemands: () => demands,
  } as unknown as SyncStore;
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(50);
      await setImmediate();
    }
  };
  return { budget: new RateBudget(clock, store, 'default/shop'), demands, pass };
}

/** Milliseconds until the work has been accounted for. */
async function paidAfter(work: Promise<void>, pass: (ms: number) => Promise<void>): Promise<number> {
  let isDone = false;
  void work.then(() => {
    isDone = true;
  });
  let ms = 0;
  for (; !isDone && ms < 60_000; ms += 50) await pass(50);
  return ms;
}

test('a single Sync that has rows may use the whole limit, whichever other Syncs use the DataSource', async () => {
  const { budget, pass } = setUp();
  budget.enter('a', 1_000);
  const ms = await paidAfter(budget.spend(2_000, budget.mark(), never), pass);
  assert.ok(ms >= 1_900 && ms <= 2_100, `${ms} ms`);
  const next = await paidAfter(budget.spend(2_000, budget.mark(), never), pass);
  assert.ok(next >= 1_900 && next <= 2_100, `${next} ms`);
});

test('two Syncs of one process share the limit, and those of other agents have their share', async () => {
  const { budget, demands, pass } = setUp();
  budget.enter('a', 1_000);
  budget.enter('b', 1_000);
  demands.others.push({ syncs: 2 });
  await pass(50);
  const mark = budget.mark();
  const both = Promise.all([budget.spend(1_000, mark, never), budget.spend(1_000, mark, never)]);
  const ms = await paidAfter(
    both.then(() => {}),
    pass,
  );
  assert.ok(ms >= 2_900 && ms <= 4_200, `${ms} ms`);
});

test('a share that is no longer used is available to the others', async () => {
  const { budget, demands, pass } = setUp();
  budget.enter('a', 1_000);
  assert.deepEqual(demands.own, { syncs: 1 });
  budget.leave('a');
  await pass(10_000);
  assert.equal(demands.own, undefined);
});
