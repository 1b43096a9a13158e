import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../../../e2e/kit/test-clock.ts';
import { isRateLimited, pauseOf, RateLimits, retryAfterMs } from './rate-limits.ts';

const nowMs = Date.parse('2026-11-24T08:00:00Z');

test('Retry-After is seconds or a date in any of the three forms', () => {
  assert.equal(retryAfterMs('120', nowMs), 120_000);
  assert.equal(retryAfterMs('Tue, 24 Nov 2026 08:01:00 GMT', nowMs), 60_000);
  assert.equal(retryAfterMs('Tuesday, 24-Nov-26 08:01:00 GMT', nowMs), 60_000);
  assert.equal(retryAfterMs('Tue Nov 24 08:01:00 2026', nowMs), 60_000);
  assert.equal(retryAfterMs('Tue, 24 Nov 2026 07:00:00 GMT', nowMs), 0);
  for (const text of ['-1', 'soon', '1e9', '', undefined]) assert.equal(retryAfterMs(text, nowMs), undefined);
});

test('the end of a period is read in every form that APIs use', () => {
  const pause = (headers: Record<string, string>) => pauseOf(200, headers, nowMs);
  const seconds = String(nowMs / 1_000 + 30);
  assert.equal(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': seconds }), 30_000);
  assert.equal(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs + 30_000) }), 30_000);
  assert.equal(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }), 30_000);
  assert.equal(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2026-11-24T08:00:30Z' }), 30_000);
  assert.equal(pause({ 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }), 30_000);
  assert.equal(pause({ ratelimit: '"default";r=0;t=30' }), 30_000);
  assert.equal(pause({ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': seconds }), undefined);
  assert.equal(pause({ 'x-ratelimit-remaining': '0' }), undefined);
  assert.equal(pause({ 'retry-after': '30' }), undefined);
  assert.equal(
    pauseOf(429, { 'retry-after': '30', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '5' }, nowMs),
    30_000,
  );
});

test('a 403 with no calls remaining is a rate limit', () => {
  assert.equal(isRateLimited(403, { 'x-ratelimit-remaining': '0' }), true);
  assert.equal(isRateLimited(403, { 'x-ratelimit-remaining': '7' }), false);
  assert.equal(isRateLimited(403, {}), false);
  assert.equal(isRateLimited(429, {}), true);
});

test('a pause is kept by everybody, ends, and is at most an hour', async () => {
  const clock = new TestClock();
  const limits = new RateLimits(clock);
  const signal = new AbortController().signal;
  limits.note(429, { 'retry-after': '30' });
  const entered: number[] = [];
  const waiting = [1, 2].map(async (each) => {
    await limits.enter('team-a/api', signal);
    entered.push(each);
  });
  await clock.advance(29_000);
  assert.deepEqual(entered, []);
  await clock.advance(1_001);
  await Promise.all(waiting);
  limits.note(429, { 'retry-after': '999999999' });
  await assert.rejects(limits.enter('team-a/api', signal), { code: 'RateLimited', message: /wait 3600 s/ });
});

test('waiting for a pause ends with the signal', async () => {
  const limits = new RateLimits(new TestClock());
  limits.note(429, { 'retry-after': '30' });
  const stop = new AbortController();
  const waiting = limits.enter('team-a/api', stop.signal);
  stop.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
});
