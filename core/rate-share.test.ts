import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RateDemand, shareOf } from './rate-share.ts';

const sharesOf = (limit: number, demands: readonly RateDemand[]) =>
  demands.map((own, index) => shareOf(limit, own, demands.toSpliced(index, 1)));

test('a single active Sync has the whole limit, whoever waits elsewhere', () => {
  assert.equal(shareOf(40_000, { syncs: 1 }, []), 40_000);
  assert.equal(shareOf(40_000, { syncs: 1 }, [{ syncs: 0 }, { syncs: 0 }]), 40_000);
  assert.equal(shareOf(40_000, undefined, [{ syncs: 3 }]), 0);
});

test('each Sync has the same share, and together they have the limit', () => {
  assert.deepEqual(sharesOf(40_000, [{ syncs: 1 }, { syncs: 3 }]), [10_000, 30_000]);
});

test('the unused share of one Sync is available to the others', () => {
  const demands = [{ syncs: 1, rowsPerSecond: 1_000 }, { syncs: 1 }, { syncs: 2 }];
  assert.deepEqual(sharesOf(40_000, demands), [1_000, 13_000, 26_000]);
  const cascade = [{ syncs: 1, rowsPerSecond: 1_000 }, { syncs: 1, rowsPerSecond: 15_000 }, { syncs: 1 }];
  assert.deepEqual(sharesOf(40_000, cascade), [1_000, 15_000, 24_000]);
});

test('the shares never exceed the limit together, whatever is demanded', () => {
  let seed = 1;
  const random = (most: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % most;
  };
  for (let round = 0; round < 500; round++) {
    const demands = Array.from({ length: 1 + random(5) }, (): RateDemand => {
      const syncs = random(4);
      return random(2) === 0 ? { syncs } : { syncs, rowsPerSecond: random(60_000) };
    });
    const total = sharesOf(40_000, demands).reduce((sum, each) => sum + each, 0);
    assert.ok(total <= 40_000.001, `${JSON.stringify(demands)}: ${total}`);
  }
});
