import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allSettled } from './all-settled.ts';

test('every promise settles before the first error of the list is thrown', async () => {
  const late = Promise.withResolvers<string>();
  let isThrown = false;
  const both = allSettled([late.promise, Promise.reject(new Error('second'))]).catch((error: unknown) => {
    isThrown = true;
    throw error;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isThrown, false);
  late.reject(new Error('first'));
  await assert.rejects(both, /first/);
  assert.deepEqual(await allSettled([Promise.resolve(1), Promise.resolve('b')]), [1, 'b']);
});
