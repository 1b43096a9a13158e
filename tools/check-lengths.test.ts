import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLengths } from './check-lengths.ts';

const sources = new Map([
  ['core/long.ts', 'x\n'.repeat(350)],
  ['core/short.ts', 'x\n'.repeat(349)],
]);

test('a file of 350 lines is too long', () => {
  assert.deepEqual(checkLengths(sources), ['core/long.ts has 350 lines: split it, the maximum is 349']);
});
