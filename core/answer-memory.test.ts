import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerMemory, type AnswerShare } from './answer-memory.ts';
import type { IdraError } from './errors.ts';

const mebibyte = 1_024 ** 2;

/** A memory of 100, and shares by name; the names of those that were ended. */
function memoryOf() {
  const memory = new AnswerMemory(100);
  const ended: string[] = [];
  const share = (where: string): AnswerShare => {
    const [namespace = ''] = where.split('/');
    return memory.shareOf({ namespace, where, end: () => ended.push(where) });
  };
  return { memory, ended, share };
}

test('above the limit, the largest answer is ended', () => {
  const { memory, ended, share } = memoryOf();
  share('a/1').hold(30);
  share('a/2').hold(40);
  share('a/3').hold(31);
  assert.deepEqual(ended, ['a/2']);
  assert.equal(memory.used, 61);
});

test('if it is the one that grows, its server is named', () => {
  const { memory, ended, share } = memoryOf();
  share('a/1').hold(30);
  const growing = share('a/2');
  growing.hold(70);
  assert.throws(() => growing.hold(71), {
    code: 'AnswersTooLarge',
    disposition: 'transient',
    message: /^a\/2: /,
  });
  assert.deepEqual([ended, memory.used], [[], 30]);
});

test('of the namespace with the most, not of one that sends a single large answer', () => {
  const { ended, share } = memoryOf();
  share('quiet/1').hold(30);
  for (const at of [1, 2, 3, 4]) share(`busy/${at}`).hold(10 + at);
  share('busy/5').hold(20);
  assert.deepEqual(ended, []);
  share('third/1').hold(1);
  assert.deepEqual(ended, ['busy/5']);
});

test('one that shrinks or is released makes room', () => {
  const { memory, ended, share } = memoryOf();
  const first = share('a/1');
  first.hold(100);
  first.hold(5);
  share('a/2').hold(95);
  first.release();
  share('a/3').hold(5);
  assert.deepEqual([ended, memory.used], [[], 100]);
});

test('one alone is refused above the limit', () => {
  const { memory, share } = memoryOf();
  assert.throws(() => share('a/1').hold(101), { code: 'AnswersTooLarge' });
  assert.equal(memory.used, 0);
});

test('as many as necessary are ended', () => {
  const { memory, ended, share } = memoryOf();
  for (const at of [1, 2, 3, 4]) share(`a/${at}`).hold(25);
  assert.throws(
    () => share('a/5').hold(90),
    (error: IdraError) => error.code === 'AnswersTooLarge',
  );
  assert.deepEqual([ended, memory.used], [[], 100]);
});

test('a small budget of batches leaves room for usual answers', () => {
  const memory = new AnswerMemory(0);
  memory.limitFor(1);
  const share = (where: string) => memory.shareOf({ namespace: 'a', where, end: () => assert.fail(where) });
  share('1').hold(32 * mebibyte);
  share('2').hold(32 * mebibyte);
  assert.equal(memory.used, 64 * mebibyte);
});
