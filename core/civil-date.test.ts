import assert from 'node:assert/strict';
import { test } from 'node:test';
import { civilDate, daysOf } from './civil-date.ts';

test('days and dates are converted both ways, over all leap years and back before year 1', () => {
  for (let days = -800_000; days < 3_000_000; days += 97) assert.equal(daysOf(civilDate(days)), days);
  assert.deepEqual(civilDate(0), { year: 1970, month: 1, day: 1 });
  assert.deepEqual(civilDate(-719_528), { year: 0, month: 1, day: 1 });
  assert.equal(daysOf({ year: 2_000, month: 2, day: 29 }), Date.UTC(2_000, 1, 29) / 86_400_000);
  assert.equal(daysOf({ year: 1_900, month: 3, day: 1 }) - daysOf({ year: 1_900, month: 2, day: 28 }), 1);
});
