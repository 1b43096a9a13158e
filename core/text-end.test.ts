import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutEnd, withoutFractionZeros } from './text-end.ts';

test('what is at the end is removed, however often', () => {
  const cases = [
    ['1000', '0', '1'],
    ['000', '0', ''],
    ['1001', '0', '1001'],
    ['int8[][]', '[]', 'int8'],
    ['int8[]x', '[]', 'int8[]x'],
    ['', '0', ''],
  ] as const;
  for (const [text, ending, kept] of cases) assert.equal(withoutEnd(text, ending), kept);
});

test('only zeros of a fraction are removed, with the point if nothing else is behind it', () => {
  const cases = { '08:00:00.120': '08:00:00.12', '5.00': '5', '5.': '5.', '500': '500', '0.050': '0.05' };
  for (const [text, kept] of Object.entries(cases)) assert.equal(withoutFractionZeros(text), kept);
});
