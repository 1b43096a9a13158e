import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextPassMs } from './schedule.ts';

const at = (text: string) => Date.parse(text);

test('every: from start to start, at once when late; missed passes do not accumulate', () => {
  const schedule = { kind: 'every', everyMs: 10_000 } as const;
  assert.equal(nextPassMs(schedule, undefined, 5_000), 5_000);
  assert.equal(nextPassMs(schedule, 1_000, 5_000), 11_000);
  assert.equal(nextPassMs(schedule, 1_000, 60_000), 60_000);
});

test('cron: in its time zone, and one pass for all missed runs', () => {
  const schedule = { kind: 'cron', cron: '0 6 * * *', timeZone: 'Europe/Rome' } as const;
  assert.equal(nextPassMs(schedule, undefined, at('2026-07-01T00:00:00Z')), at('2026-07-01T04:00:00Z'));
  assert.equal(
    nextPassMs(schedule, at('2026-12-01T05:00:00Z'), at('2026-12-01T05:10:00Z')),
    at('2026-12-02T05:00:00Z'),
  );
  const now = at('2026-12-09T09:00:00Z');
  assert.equal(nextPassMs(schedule, at('2026-12-01T05:00:00Z'), now), now);
});

test('cron across the change to summer time runs once that day', () => {
  const schedule = { kind: 'cron', cron: '30 2 * * *', timeZone: 'Europe/Rome' } as const;
  const dayBefore = at('2026-03-28T01:30:00Z');
  const next = nextPassMs(schedule, dayBefore, dayBefore + 1_000);
  assert.ok(next > at('2026-03-29T00:00:00Z') && next <= at('2026-03-29T02:00:00Z'));
});

test('continuous and once are due at once', () => {
  assert.equal(nextPassMs({ kind: 'continuous' }, 1, 7), 7);
  assert.equal(nextPassMs({ kind: 'once' }, 1, 7), 7);
});

test('a last start in the future, written when the clock was ahead, does not delay the next pass', () => {
  const now = at('2026-12-09T09:00:00Z');
  const ahead = now + 3_600_000;
  assert.equal(nextPassMs({ kind: 'every', everyMs: 1_000 }, ahead, now), now);
  assert.equal(nextPassMs({ kind: 'cron', cron: '0 0 * * *', timeZone: 'UTC' }, ahead, now), now);
});
