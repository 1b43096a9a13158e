import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idempotencyKey } from './idempotency-key.ts';

test('a key is that of one Sync, offset, row and body: a row that has changed is another call', () => {
  const parts = { uid: 'u', after: 'o', row: 1, body: '{"id":1}' };
  const others = [{ uid: 'v' }, { after: null }, { after: 'p' }, { row: 2 }, { body: '{"id":1,"n":2}' }];
  const keys = [parts, ...others.map((other) => ({ ...parts, ...other }))].map(idempotencyKey);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(idempotencyKey({ ...parts }), keys[0]);
});
