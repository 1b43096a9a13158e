import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultsOf } from './results.ts';

const judge = (body: string) =>
  resultsOf(Buffer.from(body), 1, { path: '/x', existingRows: 'Keep', errorPath: 'error' } as never, 'api');

test('an answer of success that has to be judged and is not JSON is an error', () => {
  for (const body of ['<html>Sign in</html>', '{"error":{"code":4'])
    assert.throws(() => judge(body), { code: 'AnswerInvalid' });
  assert.deepEqual(judge(''), [undefined]);
  for (const none of ['null', '0', '{}']) assert.deepEqual(judge(`{"error":${none}}`), [undefined]);
  assert.equal(judge('{"error":{"code":4}}'), 'refused');
});
