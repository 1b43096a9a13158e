import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePoint, encodePoint, type TrendPoint } from './trend.ts';

const kept = (point: TrendPoint) => decodePoint(...encodePoint(point));

test('a point keeps zero, unknown and failing exactly, and other values to a few percent', () => {
  assert.deepEqual(kept({ rate: 0, lag: 0, isFailing: false }), { rate: 0, lag: 0, isFailing: false });
  assert.deepEqual(kept({ rate: 0, lag: undefined, isFailing: false }).lag, undefined);
  assert.deepEqual(kept({ rate: 5, lag: 5, isFailing: true }).isFailing, true);
  for (const value of [1, 2, 7, 60, 1_234, 99_999, 2_000_000]) {
    const { rate, lag = 0 } = kept({ rate: value, lag: value, isFailing: false });
    for (const found of [rate, lag])
      assert.ok(Math.abs(found - value) <= Math.max(0.5, value * 0.04), `${value}: ${found}`);
  }
  assert.ok(kept({ rate: 1e12, lag: 1e12, isFailing: false }).rate > 9e6);
});
