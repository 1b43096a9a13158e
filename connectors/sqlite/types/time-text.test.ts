import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalTimestamp, shapeLike, wallSecondText } from './time-text.ts';

test('canonical text of times that applications write', () => {
  const cases: [stored: string, hasZone: boolean, canonical: string][] = [
    ['2026-11-24 08:00:00', false, '2026-11-24 08:00:00'],
    ['2026-11-24T08:00:00.123Z', false, '2026-11-24 08:00:00.123'],
    ['2026-11-24T08:00:00.123Z', true, '2026-11-24 08:00:00.123Z'],
    ['2026-11-24 08:00:00', true, '2026-11-24 08:00:00Z'],
    ['2026-11-24 08:00', false, '2026-11-24 08:00:00'],
    ['2026-11-24', false, '2026-11-24 00:00:00'],
    ['2026-11-24 01:30:00.5+02:00', true, '2026-11-23 23:30:00.5Z'],
    ['2026-11-24 23:30:00-0130', false, '2026-11-25 01:00:00'],
    ['2026-11-24 08:00:00+00', true, '2026-11-24 08:00:00Z'],
    ['infinity', true, 'infinity'],
    ['yesterday', false, 'yesterday'],
  ];
  for (const [stored, hasZone, canonical] of cases)
    assert.equal(canonicalTimestamp(stored, hasZone), canonical);
});

test('a time of another system in the format of a stored one', () => {
  const cases: [text: string, sample: string, shaped: string][] = [
    ['2026-11-24 08:00:00.12', '2026-11-23T09:00:00.000Z', '2026-11-24T08:00:00.120Z'],
    ['2026-11-24 08:00:00Z', '2026-11-23 09:00:00', '2026-11-24 08:00:00'],
    ['2026-11-24 08:00:00', '2026-11-23 09:00:00.000', '2026-11-24 08:00:00.000'],
    ['2026-11-24 00:00:00', '2026-11-23', '2026-11-24'],
    ['infinity', '2026-11-23', 'infinity'],
  ];
  for (const [text, sample, shaped] of cases) assert.equal(shapeLike(text, sample), shaped);
});

test('the local time of a zone', () => {
  const noon = Date.UTC(2026, 6, 1, 12, 0, 5, 999);
  assert.equal(wallSecondText(noon, 'UTC'), '2026-07-01 12:00:05');
  assert.equal(wallSecondText(noon, 'Europe/Rome'), '2026-07-01 14:00:05');
  assert.equal(wallSecondText(noon, 'America/New_York'), '2026-07-01 08:00:05');
});
