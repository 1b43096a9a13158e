import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { decodeToken, encodeToken, isStale, isTokenAhead, type StreamToken, timeOf } from './stream-token.ts';

const after = (data: string) => ({ after: { _data: data } });
const changes = (data: string): string => encodeToken({ phase: 'changes', from: after(data) });
const snapshot = (page: number): string =>
  encodeToken({ phase: 'snapshot', page, key: [`{"$oid":"${page}"}`], from: after('8265A0000000000001') });

test('a token is read back as it was, with its BSON types', () => {
  const token: StreamToken = {
    phase: 'changes',
    from: { at: new BSON.Timestamp({ t: 5, i: 4_294_967_295 }) },
  };
  assert.deepEqual(decodeToken(encodeToken(token)), token);
  assert.deepEqual(decodeToken(snapshot(3)).phase, 'snapshot');
  const wrong = [
    ...['', 'x', '{}', '{"phase":"changes"}', '{"phase":"later","from":{"after":{}}}'],
    ...['{"phase":"changes","from":{"at":{"$timestamp":"x"}}}', '{"phase":"changes","from":{"at":{"t":1}}}'],
  ];
  for (const text of wrong) assert.throws(() => decodeToken(text), { code: 'OffsetInvalid' }, text);
});

test('positions are compared by their text, and a snapshot comes before the changes', () => {
  const order = [
    snapshot(1),
    snapshot(2),
    changes('8265A000000000000100'),
    changes('8265A000000000000200'),
    changes('8265A000010000000100'),
  ];
  for (const [index, one] of order.entries())
    for (const [at, other] of order.entries())
      assert.equal(isTokenAhead(one, other), at > index, `${one} and ${other}`);
});

test('a time is compared with the time within a resume token', () => {
  const at = encodeToken({ phase: 'changes', from: { at: new BSON.Timestamp({ t: 0x65a00000, i: 2 }) } });
  assert.equal(timeOf(after('8265A000000000000229')), (0x65a00000n << 32n) | 2n);
  assert.equal(isTokenAhead(at, changes('8265A000000000000300')), true);
  assert.equal(isTokenAhead(changes('8265A000000000000300'), at), false);
});

test('a position that stayed for five minutes is stored again', () => {
  const at = (t: number) => ({ at: new BSON.Timestamp({ t, i: 1 }) });
  assert.equal(isStale(at(1_000), at(1_299)), false);
  assert.equal(isStale(at(1_000), at(1_300)), true);
  assert.equal(isStale(after('8200000100000000010000'), after('8200000300000000010000')), true);
  assert.equal(isStale(after('another kind of token'), at(9_000)), false);
});
