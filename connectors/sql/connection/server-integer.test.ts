import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCommitRow } from '../destination/commit-table.ts';
import { serverInteger } from './server-integer.ts';

const isProtocol = { code: 'ProtocolBroken', disposition: 'permanent' };

test('an integer keeps its digits; an invalid one is a protocol error, not a bug, and is not quoted', () => {
  assert.equal(serverInteger('-9223372036854775808', 'here'), -9_223_372_036_854_775_808n);
  assert.equal(serverInteger(7, 'here'), 7n);
  for (const value of ['7.5', 'seven', null, undefined, 1.5, {}])
    assert.throws(
      () => serverInteger(value, 'here'),
      (thrown: Error) => thrown.message.startsWith('here: ') && !thrown.message.includes('seven'),
    );
  assert.throws(() => serverInteger('seven', 'here'), isProtocol);
});

test('the same in commit rows', () => {
  const row = ['u', 't', 'n', 'm', 'no token', null, '1', '0', '1', 'time'];
  assert.throws(() => toCommitRow(row), isProtocol);
});
