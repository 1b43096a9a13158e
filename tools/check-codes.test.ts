import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes } from '../core/error-codes.ts';
import { checkCodes } from './check-codes.ts';

const all = Object.keys(errorCodes)
  .map((code) => `permanent('${code}', 'x')`)
  .join('\n');

test('a catalog whose codes are all used, and nothing else, has no problems', () => {
  assert.deepEqual(checkCodes(new Map([['core/a.ts', all]])), []);
});

test('an entry that nobody uses, and a reason that is not an entry, are reported', () => {
  const text = `${all.replace(`'DiskFull'`, '')}\nreturn { reason: 'MadeUp' };`;
  assert.deepEqual(checkCodes(new Map([['core/a.ts', text]])), [
    'core/error-codes/servers.ts: DiskFull is used nowhere',
    'core/a.ts: the reason MadeUp is not in core/error-codes',
  ]);
});

test('a code out of order, and a code of two subjects, are reported with their files', () => {
  const entry = { cause: 'x', remedy: 'x' };
  const used = new Map([['core/a.ts', `'Apple' 'Pear'`]]);
  assert.deepEqual(checkCodes(used, { fruit: { Pear: entry, Apple: entry }, trees: { Pear: entry } }), [
    'core/error-codes/fruit.ts: Apple is not in alphabetical order',
    'core/error-codes/trees.ts: Pear is also in core/error-codes/fruit.ts',
  ]);
});
