import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../coordination/test-objects.ts';
import { trendKinds } from '../core/trend.ts';
import { TrendRecorder } from './trend-recorder.ts';

test('a recorder counts rows between its calls, and sums them for the coarse interval', () => {
  const recorder = new TrendRecorder();
  const start = 1_000 * trendKinds.coarse.stepMs;
  const at = (seconds: number, written: number, lagSeconds: number) =>
    recorder.take([{ ...statusOf('u', 'Running', written), lagSeconds }], start + seconds * 1_000);
  assert.equal(at(0, 1_000, 1)[0]?.points.get('u')?.rate, 0, 'nothing to compare with');
  assert.equal(at(10, 1_500, 9)[0]?.points.get('u')?.rate, 50);
  assert.equal(at(20, 100, 2)[0]?.points.get('u')?.rate, 0, 'the count began again');
  const [, coarse] = at(600, 6_100, 3);
  assert.deepEqual([coarse?.tick, coarse?.points.get('u')?.lag], [1_000, 9]);
  assert.equal(Math.round(coarse?.points.get('u')?.rate ?? 0), Math.round(6_500 / 600));
});
