import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysOf, microsOf, unitsOf } from './time-text.ts';

test('days since the year 1 are those of the calendar', () => {
  for (const text of [
    '0001-01-01',
    '0004-12-31',
    '1600-02-29',
    '1900-03-01',
    '1970-01-01',
    '2026-11-24',
    '9999-12-31',
  ]) {
    const date = new Date(`${text}T00:00:00Z`);
    const first = new Date('0001-01-01T00:00:00Z');
    assert.equal(daysOf(text), Math.round((date.getTime() - first.getTime()) / 86_400_000), text);
  }
});

test('days that do not exist have no number', () => {
  for (const text of [
    '0000-01-01',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '10000-01-01',
    'infinity',
    '0044-03-15 BC',
  ])
    assert.equal(daysOf(text), undefined, text);
});

test('times are counted in the digits of their column, and none is dropped', () => {
  assert.equal(unitsOf('08:00:05.1234567', 7), 288_051_234_567);
  assert.equal(unitsOf('08:00:05', 0), 28_805);
  assert.equal(unitsOf('08:00:05.12', 3), 28_805_120);
  assert.equal(unitsOf('08:00:05.1200000', 2), 2_880_512);
  assert.equal(unitsOf('23:59:59.9999999', 7), 863_999_999_999);
  for (const [text, digits] of [
    ['08:00:05.123', 2],
    ['24:00:00', 0],
    ['-01:00:00', 0],
    ['08:60:00', 0],
  ] as const)
    assert.equal(unitsOf(text, digits), undefined, text);
});

test('instants are microseconds, whatever the server writes', () => {
  assert.equal(microsOf('1970-01-01 00:00:00'), 0);
  assert.equal(microsOf('2026-11-24 08:00:05.1234567'), Date.parse('2026-11-24T08:00:05Z') * 1_000 + 123_456);
});
