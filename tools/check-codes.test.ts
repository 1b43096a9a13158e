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
    'core/error-codes.ts: DiskFull is used nowhere',
    'core/a.ts: the reason MadeUp is not in core/error-codes.ts',
  ]);
});
