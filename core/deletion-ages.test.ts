import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeletionAges } from './deletion-ages.ts';

const hourMs = 3_600_000;
const deletedAt = '2026-11-27T08:00:00Z';
const deletedMs = Date.parse(deletedAt);

function started(wallMs: number) {
  const time = { wallMs, monotonicMs: 5 };
  const ages = new DeletionAges({ now: () => time.wallMs, monotonicMs: () => time.monotonicMs });
  const pass = (ms: number) => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  const jump = (ms: number) => {
    time.wallMs += ms;
  };
  return { ages, pass, jump, age: () => ages.ageOf('u', deletedAt) };
}

test('jumps of the wall clock do not count, whenever they happen', () => {
  for (const [before, after] of [
    [hourMs, 0],
    [0, hourMs],
    [0, -hourMs],
    [-hourMs, hourMs],
  ] as const) {
    const { ages, pass, jump, age } = started(deletedMs);
    jump(before);
    ages.see('u', deletedAt, true);
    jump(after);
    assert.equal(age(), 0);
    pass(20_000);
    ages.see('u', deletedAt, false);
    assert.equal(age(), 20_000);
  }
});

test('the time before a process started counts when it has seen the deletion for ten seconds', () => {
  const { pass, jump, age } = started(deletedMs + hourMs);
  assert.equal(age(), 0);
  pass(9_000);
  assert.equal(age(), 9_000);
  pass(1_000);
  jump(hourMs);
  assert.equal(age(), hourMs + 10_000);
});

test('a deletion in the future of a wrong clock has no negative age, and one that has ended is forgotten', () => {
  const { ages, pass, age } = started(deletedMs - hourMs);
  assert.equal(age(), 0);
  pass(10_000);
  assert.equal(age(), 10_000);
  ages.keepOnly(new Set(['other']));
  assert.equal(age(), 0);
});
