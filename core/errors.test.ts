import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asIdraError, Stopped } from './errors.ts';

test('a deadline that has passed is transient; what is not known is a bug', async () => {
  const timeout = AbortSignal.timeout(0);
  await new Promise((resolve) => timeout.addEventListener('abort', resolve, { once: true }));
  for (const thrown of [new Stopped('deadline'), timeout.reason]) {
    const { code, disposition } = asIdraError(thrown);
    assert.deepEqual([code, disposition], ['SystemTimeout', 'transient']);
  }
  assert.equal(asIdraError(new TypeError('x')).disposition, 'bug');
});
