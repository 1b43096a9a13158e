import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asIdraError, Stopped } from './errors.ts';

test('an expired deadline is a transient error; an unknown error is a bug', async () => {
  const timeout = AbortSignal.timeout(0);
  await new Promise((resolve) => timeout.addEventListener('abort', resolve, { once: true }));
  for (const thrown of [new Stopped('deadline'), timeout.reason]) {
    const { code, disposition } = asIdraError(thrown);
    assert.deepEqual([code, disposition], ['SystemTimeout', 'transient']);
  }
  assert.equal(asIdraError(new TypeError('x')).disposition, 'bug');
});
