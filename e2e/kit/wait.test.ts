import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './wait.ts';

test('returns the result of the condition once it is true', async () => {
  const answers = [undefined, false, 0, 'here'];
  assert.equal(await until(() => answers.shift(), { what: 'an answer', everyMs: 1 }), 'here');
});

test('a condition that throws is not true yet', async () => {
  let calls = 0;
  const condition = () => {
    if (++calls < 3) throw new Error('connection refused');
    return calls;
  };
  assert.equal(await until(condition, { what: 'a connection', everyMs: 1 }), 3);
});

test('the error names the condition and the last error', async () => {
  const fails = () => Promise.reject(new Error('connection refused'));
  await assert.rejects(until(fails, { what: 'the server', timeoutMs: 5, everyMs: 1 }), {
    message: 'timed out after 5 ms waiting for the server; last error: connection refused',
  });
});
