import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../runtime/test-clock.ts';
import { Pace } from './pace.ts';

const limits = { newsMs: 2_000, progressMs: 5_000, progressPerSecond: 10 };

test('the first is written at once; news of one object wait two seconds, progress five', async () => {
  const clock = new TestClock();
  const pace = new Pace(clock, limits);
  assert.equal(pace.waitMs('a', 'news'), 0);
  pace.written('a');
  assert.equal(pace.waitMs('a', 'news'), 2_000);
  assert.equal(pace.waitMs('a', 'progress'), 5_000);
  await clock.advance(2_000);
  assert.equal(pace.waitMs('a', 'news'), 0);
  assert.equal(pace.waitMs('a', 'progress'), 3_000);
});

test('progress of many comes in turns, and each keeps its own; news pass them by', async () => {
  const clock = new TestClock();
  const pace = new Pace(clock, limits);
  const waits = ['a', 'b', 'c'].map((key) => pace.waitMs(key, 'progress'));
  assert.deepEqual(waits, [0, 100, 200]);
  assert.equal(pace.waitMs('c', 'progress'), 200);
  assert.equal(pace.waitMs('c', 'news'), 0);
  await clock.advance(200);
  assert.equal(pace.waitMs('c', 'progress'), 0);
  pace.written('c');
  assert.equal(pace.waitMs('c', 'progress'), 5_000);
});
