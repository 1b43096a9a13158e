import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatToken, isAhead, parseToken } from './positions.ts';

const token = (...offsets: readonly number[]) => formatToken(new Map([['t', { id: 'a', offsets }]]));

test('a token is read as it was written, and what is none is refused', () => {
  const positions = new Map([
    ['t', { id: 'ab', offsets: [1, -1, 2 ** 52] }],
    ['__proto__', { id: undefined, offsets: [0] }],
  ]);
  assert.deepEqual(parseToken(formatToken(positions)), positions);
  for (const text of [
    '',
    '5',
    '{}',
    '{"topics":{"t":5}}',
    '{"topics":{"t":{"offsets":[1.5]}}}',
    '{"topics":null}',
  ])
    assert.throws(() => parseToken(text), { code: 'OffsetInvalid' });
});

test('a token is ahead if no partition goes back and one goes on', () => {
  assert.ok(isAhead(token(1, 2), token(1, 3)));
  assert.ok(isAhead(token(1), token(1, 0)));
  assert.ok(
    isAhead(
      token(1),
      formatToken(
        new Map([
          ['t', { id: 'a', offsets: [1] }],
          ['u', { id: 'b', offsets: [0] }],
        ]),
      ),
    ),
  );
  assert.ok(!isAhead(token(1, 2), token(1, 2)));
  assert.ok(!isAhead(token(1, 2), token(2, 1)));
  assert.ok(!isAhead(token(1, 2), token(5)));
  assert.ok(!isAhead(token(1), formatToken(new Map([['t', { id: 'b', offsets: [9] }]]))));
  assert.ok(!isAhead(token(1), formatToken(new Map())));
});
