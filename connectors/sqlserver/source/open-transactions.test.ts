import assert from 'node:assert/strict';
import { test } from 'node:test';
import { microsOf } from '../types/time-text.ts';
import { openIn } from './open-transactions.ts';

const now = '2026-11-24 08:00:00.0000000';

test('transactions and statements are as old as the server says, the oldest first, with a margin for its rounding', () => {
  const seen = openIn([
    [[now, 1]],
    [
      ['2000000', 57, 'shop', 'app'],
      ['5000000', 0, null, null],
    ],
  ]);
  assert.ok('open' in seen);
  assert.deepEqual(
    seen.open.map(({ what, floorMicros, sinceMicros }) => [
      what,
      microsOf(now) - floorMicros,
      microsOf(now) - sinceMicros,
    ]),
    [
      ['a distributed transaction that no session holds', 5_004_000, 5_000_000],
      ['session 57 of shop (app)', 2_004_000, 2_000_000],
    ],
  );
});

test('an age below zero, after a clock was set back, is no time in the future', () => {
  const seen = openIn([[[now, 1]], [['-3600000000', 57, 'shop', '']]]);
  assert.ok('open' in seen && seen.open[0]?.sinceMicros === microsOf(now));
});

test('without the right, an empty answer does not mean that nothing is open', () => {
  const seen = openIn([[[now, 0]], []]);
  assert.ok('limitation' in seen);
  assert.match(seen.limitation, /VIEW SERVER STATE/);
});
